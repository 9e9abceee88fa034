"""Granting a right to many as a job: to all customers or of all journals that a list has found.

As with mass changes, the list is walked by id and judged anew for each chunk. What each of its
rows is paired with (journals for customers, a customer for journals) is fixed when it starts.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from flask import current_app
from sqlalchemy.orm import Session

from app.catalogue.models import Journal
from app.catalogue.queries_journals import JOURNALS
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.listing import Criteria, Listing
from app.core.permissions import Permission
from app.customers.choices import CustomerKind
from app.customers.models import Customer
from app.customers.queries import BY_KIND
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.found import enqueue_over, keys_over
from app.jobs.leftovers import clear_leftovers, list_leftovers
from app.jobs.models import Job
from app.jobs.registry import OnAbandoned
from app.subscriptions.grants import Terms, grant_rights, read_terms

KIND: Final = "grant"


class Side(StrEnum):
    """Which list is walked."""

    CUSTOMERS = "customers"
    JOURNALS = "journals"


def register() -> None:
    """Make the kind of job known; whoever may grant may take it back."""
    registry.register(
        KIND, run, on_abandoned=OnAbandoned.RESUME, undo=Permission.SUBSCRIPTIONS_EDIT
    )


def listing_of(side: Side) -> Listing:
    """The list that is walked."""
    return BY_KIND[CustomerKind.PERPETUAL] if side is Side.CUSTOMERS else JOURNALS


def start_grant(
    session: Session,
    side: Side,
    criteria: Criteria,
    partners: Sequence[int],
    terms: Terms,
    *,
    title: str,
    ids: Sequence[int] = (),
    max_id: int,
    found: int,
    token: str,
    actor: Actor,
) -> Job:
    """Have a right granted to (or of) all that the criteria find up to `max_id`, each with all of
    the `partners`. With `ids` only those of them are meant: what was ticked.

    A second call with the same token gives the first one's job. Raises NotAllowed, and Refused for
    criteria that cannot be followed.
    """
    actor.require(Permission.SUBSCRIPTIONS_EDIT)
    actor.require(Permission.JOBS_VIEW)
    if not partners:
        raise Refused.because("There is nothing that this would grant")
    return enqueue_over(
        session,
        KIND,
        listing_of(side),
        criteria,
        ids=ids,
        max_id=max_id,
        found=found,
        noun="customer" if side is Side.CUSTOMERS else "journal",
        params={
            "side": side.value,
            "partners": list(partners),
            "terms": terms.as_params(),
            "conditions": [["Right", str(terms)]],
        },
        title=title,
        total=found * len(partners),
        token=token,
        actor=actor,
    )


def run(context: JobContext) -> dict[str, Any]:
    """Grant chunk by chunk. A killed run goes on after its last chunk and grants nothing twice."""
    params = context.params
    terms, partners = read_terms(params["terms"]), params["partners"]
    side = Side(params["side"])
    size = current_app.config["SETTINGS"].chunk_rows
    model: Any = Customer if side is Side.CUSTOMERS else Journal
    found, key = keys_over(listing_of(side), model.__table__, params), model.id
    # Many partners are gone through in portions, for one row after the other.
    portion = partners[:size] if len(partners) > size else partners
    at_once = max(1, size // len(portion))
    so_far = context.cursor or {
        "after": 0, "offset": 0, "pairs": 0, "granted": 0, "same": 0, "refused": 0,
    }  # fmt: skip
    context.progress(so_far["pairs"], phase="Granting rights")
    while True:
        context.stop_if_cancelled()
        with context.chunk() as session:
            if not so_far["pairs"]:
                clear_leftovers(session, context.job_id)  # those of a former run
            ids: Sequence[int] = session.scalars(
                found.where(key > so_far["after"]).limit(at_once)
            ).all()
            if not ids:
                break
            some = partners[so_far["offset"] : so_far["offset"] + size]
            customers, journals = (ids, some) if side is Side.CUSTOMERS else (some, ids)
            outcome = grant_rights(session, customers, journals, terms, actor=context.actor)
            # A customer met with another portion of the journals is listed once.
            refused = outcome.refused if not so_far["offset"] else []
            if side is Side.JOURNALS and so_far["refused"]:
                refused = []
            list_leftovers(session, context.job_id, [("customers", *one) for one in refused])
            done = so_far["offset"] + len(some) >= len(partners)
            so_far = {
                "after": ids[-1] if done else so_far["after"],
                "offset": 0 if done else so_far["offset"] + len(some),
                "pairs": so_far["pairs"] + len(ids) * len(some),
                "granted": so_far["granted"] + outcome.new,
                "same": so_far["same"] + outcome.same,
                "refused": so_far["refused"] + len(refused),
            }
            context.checkpoint(session, so_far, so_far["pairs"])
        context.progress(so_far["pairs"])
    return {
        "granted": so_far["granted"],
        "had_it_already": so_far["same"],
        "refused": so_far["refused"],
    }
