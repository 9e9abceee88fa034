"""What the merge of two customers moves of this room: authorizations and subscriptions.

Authorizations that overlap collide with nothing: the merged rights of both customers are worked
out anew. Merged rows are noted before and after: the undo brings them back with their numbers.
"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.catalogue.coverage import in_words
from app.catalogue.queries_journals import journal_titles
from app.core import undo
from app.core.actor import Actor
from app.core.errors import Problem
from app.core.portions import portions
from app.customers.belongings import (
    Belonging,
    Merging,
    Preview,
    count_of,
    move_rows,
    register_belonging,
)
from app.customers.choices import CustomerKind
from app.customers.taking_back import register_part
from app.subscriptions.merging import coverage_of, recompute
from app.subscriptions.models import (
    Authorization,
    Subscription,
    SubscriptionSource,
    SubscriptionSourceLink,
)

_AUTHORIZATIONS: Any = Authorization.__table__
_SUBSCRIPTIONS: Any = Subscription.__table__
_LINKS: Any = SubscriptionSourceLink.__table__
_ORDINARY = _SUBSCRIPTIONS.c.source == SubscriptionSource.ORDINARY.value
_MERGED = _SUBSCRIPTIONS.c.source == SubscriptionSource.PERPETUAL.value


def register() -> None:
    """Let rights and subscriptions move with their customer, and be told of when taken back."""
    register_part("journal_authorizations", _AUTHORIZATIONS, _lines)
    register_belonging(
        Belonging(
            "authorizations",
            "journal authorization",
            "journal authorizations",
            frozenset({_AUTHORIZATIONS.name, _LINKS.name}),
            _preview_rights,
            _move_rights,
        )
    )
    register_belonging(
        Belonging(
            "subscriptions",
            "subscription",
            "subscriptions",
            frozenset({_SUBSCRIPTIONS.name}),
            _preview_subscriptions,
            _move_subscriptions,
        )
    )


def _lines(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Authorizations as the customer's history tells them."""
    titles = journal_titles(session, {row["journal_id"] for row in rows})
    return [
        f"{titles.get(row['journal_id'], '')}: {row['basis']} "
        f"{in_words(coverage_of(SimpleNamespace(**row)))}"
        for row in rows
    ]


def _preview_rights(session: Session, merging: Merging) -> Preview:
    held: dict[int, set[int]] = {merging.winner_id: set(), merging.loser_id: set()}
    wanted = select(_AUTHORIZATIONS.c.customer_id, _AUTHORIZATIONS.c.journal_id)
    for customer, journal in session.execute(
        wanted.where(_AUTHORIZATIONS.c.customer_id.in_(held)).distinct()
    ):
        held[customer].add(journal)
    against, notes = [], []
    if held[merging.loser_id] and merging.winner_kind != CustomerKind.PERPETUAL:
        against.append(
            Problem(
                "winner",
                "Only a perpetual customer has rights to journals",
                "Let the perpetual customer stay",
            )
        )
    shared = len(held[merging.winner_id] & held[merging.loser_id])
    if shared:
        journals = "1 journal" if shared == 1 else f"{shared:,} journals"
        notes.append(f"Both have rights to {journals}: what overlaps is merged into one.")
    return Preview(count_of(session, _AUTHORIZATIONS, merging.loser_id), notes, against)


def _move_rights(session: Session, merging: Merging, actor: Actor) -> int:
    both = (merging.winner_id, merging.loser_id)
    moved = select(_AUTHORIZATIONS.c.journal_id).where(
        _AUTHORIZATIONS.c.customer_id == merging.loser_id
    )
    journals = sorted(set(session.scalars(moved)))
    links, rows = _merged_now(session, both, journals)
    count = move_rows(session, _AUTHORIZATIONS, merging)
    # Noted after the authorizations: taking back goes the other way, and merges the rights anew
    # when it comes to those.
    undo.note_updated(session, _LINKS, links.values())
    undo.note_updated(session, _SUBSCRIPTIONS, rows.values())
    recompute(session, [(one, journal) for one in both for journal in journals], actor=actor)
    links_after, rows_after = _merged_now(session, both, journals)
    undo.note_inserted(session, _SUBSCRIPTIONS, sorted(rows_after.keys() - rows.keys()))
    undo.note_inserted(session, _LINKS, sorted(links_after.keys() - links.keys()))
    return count


_Rows = dict[tuple[int, ...], dict[str, Any]]


def _merged_now(
    session: Session, both: tuple[int, int], journals: list[int]
) -> tuple[_Rows, _Rows]:
    """The links and the merged rows of both customers by their keys."""
    links: _Rows = {}
    rows: _Rows = {}
    for some in portions(journals):
        of_these = (
            _MERGED,
            _SUBSCRIPTIONS.c.customer_id.in_(both),
            _SUBSCRIPTIONS.c.journal_id.in_(some),
        )
        for row in session.execute(select(_SUBSCRIPTIONS).where(*of_these)).mappings():
            rows[(row["id"],)] = dict(row)
        for link in session.execute(select(_LINKS).join(_SUBSCRIPTIONS).where(*of_these)):
            links[link.subscription_id, link.authorization_id] = dict(link._mapping)
    return links, rows


def _preview_subscriptions(session: Session, merging: Merging) -> Preview:
    lost = [id_ for id_, same in merging.addresses.items() if same is None]
    shipped = select(_SUBSCRIPTIONS.c.id).where(_SUBSCRIPTIONS.c.ship_to_address_id.in_(lost))
    against = []
    if lost and session.scalar(shipped.limit(1)) is not None:
        against.append(
            Problem(
                "addresses",
                "A subscription is shipped to an address that is not kept",
                "Keep the address, or give the subscription another one first",
            )
        )
    ordinary = select(_SUBSCRIPTIONS.c.id).where(
        _SUBSCRIPTIONS.c.customer_id == merging.loser_id, _ORDINARY
    )
    return Preview(len(session.scalars(ordinary).all()), (), against)


def _move_subscriptions(session: Session, merging: Merging, actor: Actor) -> int:
    count = move_rows(session, _SUBSCRIPTIONS, merging, _ORDINARY)
    _ship_elsewhere(session, merging)
    return count


def _ship_elsewhere(session: Session, merging: Merging) -> None:
    """Ship to the kept address what was shipped to an equal one that is not kept."""
    served = {id_: same for id_, same in merging.addresses.items() if same is not None}
    wanted = select(_SUBSCRIPTIONS).where(_SUBSCRIPTIONS.c.ship_to_address_id.in_(served))
    rows = [dict(row) for row in session.execute(wanted).mappings()]
    undo.note_updated(session, _SUBSCRIPTIONS, rows)
    for row in rows:
        session.connection().execute(
            update(_SUBSCRIPTIONS)
            .where(_SUBSCRIPTIONS.c.id == row["id"])
            .values(
                ship_to_address_id=served[row["ship_to_address_id"]],
                version=_SUBSCRIPTIONS.c.version + 1,
            )
        )
