"""Jobs over all that a list has found, or over what was ticked of it: asked for once, walked by id.

The conditions of the list are judged anew for each chunk, and only upwards: a row that does not fit
them any more once it was changed is neither met twice nor makes others be missed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import Select, Table
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import Refused
from app.core.filters import MAX_ID
from app.core.listing import Criteria, Listing
from app.core.walking import along_key
from app.jobs import operations
from app.jobs.context import JobContext
from app.jobs.leftovers import clear_leftovers, list_leftovers
from app.jobs.models import Job

# Some rows by their keys: how many came to what, and those that stay as they are, each by its key,
# with its label and the reason.
Taken = tuple[Mapping[str, int], Sequence[tuple[int, str, str]]]


def enqueue_over(
    session: Session,
    kind: str,
    listing: Listing,
    criteria: Criteria,
    *,
    ids: Sequence[int],
    max_id: int,
    found: int,
    noun: str,
    params: Mapping[str, Any],
    title: str,
    total: int,
    token: str,
    actor: Actor,
) -> Job:
    """Queue a job over the `found` rows with a key up to `max_id`; with `ids` only those of them.

    A second call with the same token, by a form that was sent twice, gives the first one's job.
    `noun` says of what the list is. Raises Refused for criteria that cannot be followed, and where
    nothing is found.
    """
    listing.where(criteria)
    if not 0 < max_id <= MAX_ID or not 0 < found <= MAX_ID:
        raise Refused.because(f"There is no {noun} that this is about")
    conditions = [list(pair) for pair in listing.describe(criteria, session)]
    if ids:
        conditions.append(["Chosen", f"{len(ids):,} {noun if len(ids) == 1 else f'{noun}s'}"])
    conditions += params.get("conditions", [])
    over = {
        "search": criteria.search,
        "filters": dict(criteria.filters),
        "ids": list(ids),
        "max_id": max_id,
    }
    return operations.once(
        session,
        f"{actor.operator_id}:{token}",
        lambda: operations.enqueue(
            session,
            kind,
            {**params, **over, "conditions": conditions},
            actor=actor,
            title=title[:255],
            total=total,
        ),
    )


def keys_over(listing: Listing, table: Table, params: Mapping[str, Any]) -> Select[Any]:
    """The keys of the rows that such a job is about, in their order."""
    (key,) = table.primary_key
    criteria = Criteria(
        search=params["search"],
        filters=params["filters"],
        zone=ZoneInfo(current_app.config["SETTINGS"].timezone),
    )
    wanted = listing.where(criteria)
    if params["ids"]:
        wanted = wanted.where(key.in_(params["ids"]))
    return along_key(wanted, table).where(key <= params["max_id"])


def work_through(
    context: JobContext,
    found: Select[Any],
    table: Table,
    take: Callable[[Session, Sequence[int]], Taken],
    *,
    counts: Sequence[str],
    phase: str,
) -> dict[str, int]:
    """Take the rows chunk by chunk, along their keys; how many came to each of `counts`, or stay.

    What stays ("refused") is listed at the job. A killed run goes on after its last chunk.
    """
    (key,) = table.primary_key
    size = current_app.config["SETTINGS"].chunk_rows
    names = (*counts, "refused")
    so_far = context.cursor or dict.fromkeys(("after", *names), 0)
    context.progress(_done(so_far, names), phase=phase)
    while True:
        context.stop_if_cancelled()
        with context.chunk() as session:
            if not so_far["after"]:
                clear_leftovers(session, context.job_id)  # those of a former run
            ids: Sequence[int] = session.scalars(
                found.where(key > so_far["after"]).limit(size)
            ).all()
            if not ids:
                break
            counted, refused = take(session, ids)
            list_leftovers(session, context.job_id, [(table.name, *one) for one in refused])
            more = {**counted, "refused": len(refused)}
            so_far = {"after": ids[-1], **{name: so_far[name] + more[name] for name in names}}
            context.checkpoint(session, so_far, _done(so_far, names))
        context.progress(_done(so_far, names))
    return {name: so_far[name] for name in names}


def _done(so_far: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(so_far[name] for name in names)
