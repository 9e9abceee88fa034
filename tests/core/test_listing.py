"""Lists: filters read what people type, pages are calm, and their ends are read backwards."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.core import filters
from app.core.counts import capped_count
from app.core.database import UtcDateTime
from app.core.errors import Refused
from app.core.listing import Criteria, Listing
from app.core.paging import fetch_page


class Base(DeclarativeBase):
    """Tables of this test only; listing knows no business."""


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author: Mapped[str | None]
    year: Mapped[int]
    lent: Mapped[bool]
    bought_at: Mapped[datetime] = mapped_column(UtcDateTime)


BOOKS = Listing(
    statement=select(Book),
    filters=(
        filters.text("title", "Title", Book.title),
        filters.text("begins", "Title begins", Book.title, folded=True, begins=True),
        filters.choice("year", "Year", Book.year, [("2001", "2001"), ("2002", "2002")], coerce=int),
        filters.yes_no("lent", "Lent", Book.lent),
        filters.present("author", "Author", Book.author),
        filters.moment_between("bought", "Bought", Book.bought_at),
        filters.number_between("published", "Published", Book.year),
    ),
    sorts={"year": Book.year},
    default_sort="-year",
    search=lambda text: Book.title.contains(text, autoescape=True),
)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number in range(1, 31):
            session.add(
                Book(
                    title=f"book {number:02}",
                    author="" if number % 2 else "Somebody",
                    year=2000 + number % 3,
                    lent=number <= 10,
                    bought_at=datetime(2026, 3, number, 23, 30, tzinfo=UTC),
                )
            )
        yield session
    engine.dispose()


def titles(session: Session, **given: str) -> list[str]:
    page = fetch_page(session, BOOKS, Criteria(filters=given), size=100)
    assert page.total == len(page.rows)
    return [book.title for book in page.rows]


def test_every_kind_of_filter_narrows_the_list(session: Session) -> None:
    assert titles(session, title="K 07") == ["book 07"]
    assert len(titles(session, begins="book 1")) == 10
    assert len(titles(session, year="2001,2002")) == 20
    assert len(titles(session, lent="yes")) == 10
    assert len(titles(session, author="no")) == 15
    assert len(titles(session, published_from="2001", published_to="2001")) == 10
    assert len(titles(session, lent="no", year="2001")) == 6


def test_days_are_those_of_the_readers_zone(session: Session) -> None:
    berlin = Criteria(
        filters={"bought_from": "2026-03-05", "bought_to": "5.3.2026"},
        zone=ZoneInfo("Europe/Berlin"),
    )
    # 23:30 UTC on the 4th is half past midnight on the 5th in Berlin.
    assert [b.title for b in fetch_page(session, BOOKS, berlin).rows] == ["book 04"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"bought_from": "31.02.2026"}, "Bought: 31.02.2026 is not a date"),
        ({"published_from": "many"}, "Published: many is not a number"),
        ({"published_from": "9" * 40}, "Published: 9999"),
        ({"published_from": "2002", "published_to": "2001"}, "Published: 2002 is after 2001"),
        ({"year": "1999"}, "Year: 1999 is not among the choices"),
        ({"lent": "perhaps"}, "Lent: perhaps is neither yes nor no"),
        ({"colour": "red"}, "There is no filter colour"),
    ],
)
def test_a_bad_value_is_refused_in_words_and_the_rest_still_works(
    session: Session, given: dict[str, str], reason: str
) -> None:
    asked = Criteria(filters={**given, "title": "book 0"})
    with pytest.raises(Refused, match=reason):
        BOOKS.select(asked)
    good, problems = BOOKS.check(asked)
    assert problems[0].message.startswith(reason)
    assert fetch_page(session, BOOKS, good).total == 9


def test_signs_that_mean_something_to_like_are_taken_as_they_are(session: Session) -> None:
    for text in ("%", "_", "100%", "'", '"', "\\", "book\x00%", "\ud800%"):
        assert titles(session, title=text) == []
        assert titles(session, begins=text) == []
        assert fetch_page(session, BOOKS, Criteria(search=text)).total == 0
    assert len(titles(session, title="\0")) == 30


def test_pages_follow_one_another_without_gap_or_repeat_and_ties_are_broken(
    session: Session,
) -> None:
    seen = []
    for number in range(1, 6):
        page = fetch_page(session, BOOKS, Criteria(), page=number, size=7)
        seen += [book.id for book in page.rows]
    assert sorted(seen) == list(range(1, 31))
    assert page.number == page.pages == 5
    assert not page.has_next
    whole = session.scalars(BOOKS.select(Criteria())).all()
    assert seen == [book.id for book in whole]


def test_a_page_beyond_the_end_is_the_last_one(session: Session) -> None:
    for number in (5, 6, 10**30, -1):
        page = fetch_page(session, BOOKS, Criteria(), page=number, size=7)
        assert (page.number, len(page.rows)) == (5, 2)
    assert fetch_page(session, BOOKS, Criteria(), page=-(10**30), size=7).number == 1
    empty = fetch_page(session, BOOKS, Criteria(search="nothing"), page=9)
    assert (empty.number, empty.pages, empty.first_row) == (1, 1, 0)


def test_a_long_list_has_a_capped_count_and_can_be_read_from_its_end(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert capped_count(session, select(Book), cap=10) == (10, True)
    monkeypatch.setattr(
        "app.core.paging.capped_count", lambda session, wanted: capped_count(session, wanted, 10)
    )
    whole = [book.id for book in session.scalars(BOOKS.select(Criteria()))]
    first = fetch_page(session, BOOKS, Criteria(), size=7)
    assert (first.total, first.capped, first.pages, first.has_next) == (10, True, None, True)
    last = fetch_page(session, BOOKS, Criteria(), page=-1, size=7)
    assert [book.id for book in last.rows] == whole[-7:]
    before = fetch_page(session, BOOKS, Criteria(), page=-2, size=7)
    assert [book.id for book in before.rows] == whole[-14:-7]
    assert (before.has_previous, before.has_next) == (True, True)
    far = fetch_page(session, BOOKS, Criteria(), page=10**30, size=7)
    assert (far.number, far.total, far.capped) == (5, 30, False)
    assert fetch_page(session, BOOKS, Criteria(), page=2, size=7, exact=True).pages == 5


def test_a_list_is_described_in_words(session: Session) -> None:
    asked = Criteria(
        search="book", filters={"year": "2001,2002", "lent": "yes", "bought_to": "2026-03-05"}
    )
    assert BOOKS.describe(asked, session) == [
        ("Search", "book"),
        ("Year", "2001 or 2002"),
        ("Lent", "yes"),
        ("Bought", "up to 2026-03-05"),
    ]


def test_a_span_of_dates_includes_both_days() -> None:
    dates = filters.date_between("day", "Day", Book.bought_at)
    condition = dates.condition({"day_from": "2026-03-01", "day_to": "2026-03-31"})
    assert condition is not None
    values = set(condition.compile().params.values())
    assert values == {date(2026, 3, 1), date(2026, 3, 31)}
