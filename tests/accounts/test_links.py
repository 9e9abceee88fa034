"""One-time links: found by their token only, used once, ended by newer ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import links
from app.accounts.models import LinkPurpose, OneTimeLink
from app.core.actor import COMMAND_LINE
from app.core.errors import NotFound, Refused
from app.extensions import transaction

REGISTRATION, RESET = LinkPurpose.CUSTOMER_REGISTRATION, LinkPurpose.CUSTOMER_PASSWORD_RESET
Clock = Callable[[datetime], None]


def made(purpose: LinkPurpose = REGISTRATION, subject_id: int = 1) -> str:
    with transaction() as session:
        return links.make_link(
            session,
            purpose,
            subject_id,
            sent_to="Karin@example.com",
            valid=timedelta(days=7),
            actor=COMMAND_LINE,
        )


def test_a_link_is_found_by_its_token_and_the_database_does_not_hold_it(session: Session) -> None:
    token = made()
    link = links.find_link(session, token, [REGISTRATION])
    assert link.subject_id == 1
    assert link.created_by_label == "command line"
    assert links.still_at(link, "karin@example.com")
    assert not links.still_at(link, "other@example.com")
    assert not links.still_at(link, None)
    assert len(token) >= 43
    assert token not in str(session.execute(select(OneTimeLink.__table__)).all())


@pytest.mark.parametrize("token", ["", "x", "A" * 5000, "\x00", "ü" * 43, "\ud800"])
def test_a_token_that_is_none_of_ours_is_not_found(session: Session, token: str) -> None:
    made()
    with pytest.raises(NotFound, match="not one of ours"):
        links.find_link(session, token, [REGISTRATION])


def test_a_link_opens_nothing_but_what_it_is_for(session: Session) -> None:
    token = made(REGISTRATION)
    with pytest.raises(NotFound):
        links.find_link(session, token, [LinkPurpose.OPERATOR_INVITATION])


def test_a_link_is_used_once(session: Session) -> None:
    token = made()
    with transaction() as work:
        links.use_link(work, links.find_link(work, token, [REGISTRATION]))
    with pytest.raises(Refused, match="used already"):
        links.find_link(session, token, [REGISTRATION])


def test_a_link_grows_too_old(session: Session, clock: Clock) -> None:
    token = made()
    clock(datetime(2026, 11, 30, 8, 59, tzinfo=UTC))
    link = links.find_link(session, token, [REGISTRATION])
    clock(datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
    with pytest.raises(Refused, match="too old"):
        links.find_link(session, token, [REGISTRATION])
    with pytest.raises(Refused):
        links.use_link(session, link)


def test_a_newer_link_ends_the_older_one_of_the_same_purpose_and_subject(session: Session) -> None:
    older, other, reset = made(), made(subject_id=2), made(RESET)
    newer = made()
    with pytest.raises(Refused, match="newer message"):
        links.find_link(session, older, [REGISTRATION])
    assert links.find_link(session, newer, [REGISTRATION])
    assert links.find_link(session, other, [REGISTRATION])
    assert links.find_link(session, reset, [RESET])


def test_of_two_that_use_a_link_at_once_one_succeeds(app: Flask) -> None:
    with app.app_context():
        token = made()
    ready, outcomes = Barrier(2), []

    def click() -> None:
        with app.app_context():
            ready.wait(5)
            try:
                with transaction() as session:
                    links.use_link(session, links.find_link(session, token, [REGISTRATION]))
                outcomes.append("used")
            except Refused as refused:
                outcomes.append(str(refused))

    threads = [Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["This link was used already", "used"]
