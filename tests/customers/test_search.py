"""The Clients search: what finds whom, and in which order, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import COMMAND_LINE
from app.core.deadline import DeadlinePassed
from app.core.text import fold, sort_key
from app.customers.models import Customer
from app.customers.operations import delete_customers
from app.customers.queries import find_customers
from app.customers.search import list_condition, search_clients, search_terms
from app.extensions import transaction
from tests.customers.people import customer, many

LETTERS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=40)


def found(session: Session, query: str) -> list[str]:
    return [hit.name for hit in search_clients(session, query, country="DE").hits]


@pytest.fixture
def people(session: Session) -> None:
    many(
        [
            ("individual", {"first_name": "Jürgen", "name": "Müller", "email": "jm@example.com",
                            "mobile_phone": "+491701234567"}),
            ("individual", {"first_name": "Anna", "name": "Großmann",
                            "telephone_private": "+493012345678"}),
            ("individual", {"first_name": "Mull", "name": "Windeln"}),
            ("individual", {"first_name": "Zoë", "name": "Łukasz", "former_number": "ALT-77"}),
            ("business", {"company_name": "Straßenbau Köln GmbH", "contact_name": "Jürgen Öz"}),
            ("perpetual", {"company_name": "Universität Wien"}),
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("muller", ["Jürgen Müller"]),
        ("MÜLLER jürgen", ["Jürgen Müller"]),
        ("mueller juergen", ["Jürgen Müller"]),
        ("juergen muller", ["Jürgen Müller"]),
        ("grossmann", ["Anna Großmann"]),
        ("Großmann, Anna", ["Anna Großmann"]),
        ("lukasz zoe", ["Zoë Łukasz"]),
        ("strassenbau koeln", ["Straßenbau Köln GmbH"]),
        ("wien", ["Universität Wien"]),
        ("jm@example.com", ["Jürgen Müller"]),
        ("JM@EXAMPLE.COM", ["Jürgen Müller"]),
        ("0170 1234567", ["Jürgen Müller"]),
        ("+49 170 1234567", ["Jürgen Müller"]),
        ("0049 (0) 170/1234567", ["Jürgen Müller"]),
        ("0170 123", ["Jürgen Müller"]),
        ("030 12345678", ["Anna Großmann"]),
        ("ALT-77", ["Zoë Łukasz"]),
        ("anna müller", []),
        ("nobody", []),
        ("", []),
        ("   ", []),
    ],
)
def test_the_box_finds(session: Session, people: None, query: str, names: list[str]) -> None:
    assert found(session, query) == names


def test_whole_words_stand_before_beginnings_and_an_exact_number_before_all(
    session: Session, people: None
) -> None:
    assert found(session, "mull") == ["Mull Windeln", "Jürgen Müller"]
    number = customer(first_name="Exact").number
    customer(first_name="Other", alias=f"formerly {number}")
    assert found(session, number) == ["Exact", "Other"]


def test_the_deleted_are_not_found(session: Session, people: None) -> None:
    hit = search_clients(session, "grossmann", country="DE").hits[0]
    with transaction() as work:
        delete_customers(work, [hit.id], actor=COMMAND_LINE)
    assert found(session, "grossmann") == []


def test_more_hits_than_a_person_reads_are_capped(session: Session) -> None:
    many([("individual", {"first_name": "Common", "name": f"Name{n}"}) for n in range(230)])
    result = search_clients(session, "common", country="DE", limit=50)
    assert result.capped and len(result.hits) == 50


def test_a_customer_cell_means_one_customer_or_says_why_not(session: Session, people: None) -> None:
    two = many(
        [("business", {"company_name": "Twin AG"}), ("business", {"company_name": "Twin AG"})]
    )
    answers = find_customers(
        session, [two[0].number, "ALT-77", "jm@example.com", "universitaet wien", "Twin AG", "None"]
    )
    assert answers[0][0] == two[0].id  # type: ignore[index]
    assert all(hasattr(one, "number") for one in answers[:4])
    assert [getattr(one, "message", "") for one in answers[4:]] == [
        "Customer fits several customers",
        "Customer is unknown",
    ]


@settings(deadline=None)
@given(LETTERS)
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Müller", "MUELLER"), ("Müller", "Muller"), ("Groß", "gross"), ("Ærø", "Aeroe"),
     ("Łódź", "Lodz"), ("Çelik", "celik"), ("Ñandú", "nandu"), ("Ægir", "aegir"),
     ("Åse", "Aase"), ("Dvořák", "dvorak"), ("São", "sao"), ("Γιώργος", "giorgos")],
)  # fmt: skip
def test_accents_and_spellings_do_not_matter(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@settings(deadline=None)
@given(st.lists(st.text(alphabet="abcäöüßéñøł", min_size=1, max_size=8), min_size=1, max_size=4))
def test_the_order_of_the_words_does_not_matter(words: list[str]) -> None:
    assert sorted(search_terms(" ".join(words))) == sorted(search_terms(" ".join(reversed(words))))


@settings(deadline=None)
@given(
    st.integers(min_value=1_000_000, max_value=9_999_999),
    st.sampled_from(
        ["0170 {}", "+49 170 {}", "0049170{}", "(0170) {}", "+49 (0)170/{}", "0170-{}"]
    ),
)
def test_a_phone_in_any_spelling_is_one_term_that_the_stored_number_holds(
    subscriber: int, spelling: str
) -> None:
    [term] = search_terms(spelling.format(subscriber))
    assert term in f"49170{subscriber}"


@settings(deadline=None)
@given(LETTERS)
def test_a_sort_key_is_short_and_plain(text: str) -> None:
    key = sort_key(text)
    assert len(key) <= 120 and key == key.strip() and key == key.lower()


def test_a_list_finds_an_email_with_letters_that_are_folded(session: Session) -> None:
    many([("individual", {"first_name": "M", "email": "melissa.mueller@example.net"})])
    for query in ("melissa.mueller@example.net", "melissa.mueller", "MELISSA"):
        found_in_list = select(Customer.email).where(list_condition(query))
        assert session.scalars(found_in_list).all() == ["melissa.mueller@example.net"]


def test_a_whole_word_is_found_however_many_words_begin_like_it(session: Session) -> None:
    many([("individual", {"first_name": "Mullbert", "name": f"B{n:03}"}) for n in range(230)])
    customer(first_name="Mull", name="Zorn")
    hits = search_clients(session, "mull", country="DE")
    assert hits.hits[0].name == "Mull Zorn"
    assert hits.capped and hits.total == 200


@pytest.mark.parametrize("query", ["li", "Li wu", "wu l", "x"])
def test_short_words_find_short_names_and_beginnings(session: Session, query: str) -> None:
    customer(first_name="Li", name="Wu")
    customer(first_name="Xaver", name="Xylander")
    assert found(session, query) == (["Xaver Xylander"] if query == "x" else ["Li Wu"])


def test_a_name_and_a_phone_number_together_in_any_spelling(session: Session) -> None:
    customer(first_name="Anna", name="Zorn", mobile_phone="+491701234567")
    customer(first_name="Berta", name="Zorn", mobile_phone="+491701234568")
    for query in ("zorn 0170 1234567", "+49 170 1234567 Zorn", "Anna Zorn 0170", "0049170 anna"):
        assert "Anna Zorn" in found(session, query)[:1], query


def test_a_search_that_runs_out_of_time_says_so_and_keeps_what_it_has(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = customer(first_name="Anna", email="anna@example.com")
    monkeypatch.setattr("app.customers.search.deadline", _passed)
    hits = search_clients(session, "anna@example.com", country="DE")
    assert (hits.late, hits.capped) == (True, True)
    assert [hit.id for hit in hits.hits] == [one.id]  # exact ones come before


@contextmanager
def _passed(session: Session, milliseconds: float) -> Iterator[None]:
    raise DeadlinePassed
    yield


HOSTILE = [
    "%", "_", "'", "''; DROP TABLE customers; --", "*", '"', '"AND', 'a" OR "b', "NEAR(a b)",
    "anna AND", "-anna", "^anna", "(", "search_text:anna", "x" * 5000, "a " * 2500, "\0",
    "\x07a", "\u202eanna", "a%b", "(((", "☃", "NULL", "+", "0" * 60, "-", "😀", "ﷺ", "\u0301",
    "٣٤٥", "9" * 400, "+" * 50, "@@@", "\\", "/%/_",
]  # fmt: skip


def test_a_lone_half_of_a_sign_finds_nobody(session: Session) -> None:
    customer(first_name="Anna")
    assert found(session, "\ud800") == []


def test_signs_that_no_database_holds_are_left_out(session: Session) -> None:
    customer(first_name="Anna", name="Zorn")
    assert found(session, "\0An\0na") == ["Anna Zorn"]


@pytest.mark.parametrize("query", ["+", "@", "- +", "..."])
def test_marks_alone_find_nobody(session: Session, query: str) -> None:
    customer(first_name="Anna", email="a-n.n+a@example.org")
    assert search_terms(query) == []
    assert found(session, query) == []


@pytest.mark.parametrize("query", HOSTILE, ids=ascii)
def test_hostile_words_are_answered_calmly(
    session: Session, as_role: Callable[..., FlaskClient], query: str
) -> None:
    customer(first_name="Anna", name="Zorn", mobile_phone="+491701234567")
    client = as_role("operations")
    typed = {"q": query.encode("utf-8", "surrogatepass")}
    for address in ("/admin/clients/", "/admin/clients/suggest/", "/admin/individual/"):
        assert client.get(address, query_string=typed).status_code == 200
    both = client.get(
        "/admin/clients/", query_string={**typed, "country": "DE", "phone": query[:90]}
    )
    assert both.status_code == 200
    assert client.get("/admin/clients/count/", query_string=typed).status_code == 200
