"""A mass change of ticked customers, or of all that a list has found, as a job: in chunks, by id.

The conditions of the list are judged anew for each chunk, and only upwards: a customer who does
not fit them any more once changed (assigned another group than the one searched for) is neither
met twice nor makes others be missed.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import Refused
from app.core.filters import MAX_ID
from app.core.listing import Criteria, Listing
from app.core.permissions import Permission
from app.core.walking import along_key
from app.customers import mass
from app.customers.choices import CustomerKind
from app.customers.mass import MassChange, MassKind
from app.customers.models import Customer
from app.customers.queries import BY_KIND, CLIENTS
from app.customers.writing import CUSTOMERS
from app.jobs import operations, registry
from app.jobs.context import JobContext
from app.jobs.leftovers import clear_leftovers, list_leftovers
from app.jobs.models import Job
from app.jobs.registry import OnAbandoned

KIND: Final = "mass-change"
ALL: Final = "customers"
TITLES: Final[Mapping[str, str]] = {
    ALL: "Clients",
    **{kind.value: f"{kind.value.capitalize()} customers" for kind in CustomerKind},
}


def register() -> None:
    """Make the kind of job known; whoever may make a change may take it back."""
    registry.register(
        KIND, run, on_abandoned=OnAbandoned.RESUME,
        undo=lambda params: mass.permission_for(params["change"]),
    )  # fmt: skip


def listing_of(name: str) -> Listing:
    """The list of this name. Raises Refused for another one."""
    if name == ALL:
        return CLIENTS
    if name not in set(CustomerKind):
        raise Refused.because(f"There is no list of customers named {name}")
    return BY_KIND[CustomerKind(name)]


def start_mass_change(
    session: Session,
    change: MassChange,
    list_name: str,
    criteria: Criteria,
    *,
    ids: Sequence[int] = (),
    max_id: int,
    found: int,
    token: str,
    actor: Actor,
) -> Job:
    """Have a change made on all that the criteria find up to the customer `max_id`.

    With `ids` only those of them are meant: who was ticked.

    A second call with the same token, by a form that was sent twice, gives the first one's job.
    Raises NotAllowed, and Refused for criteria that cannot be followed.
    """
    actor.require(change.permission)
    actor.require(Permission.JOBS_VIEW)
    listing = listing_of(list_name)
    listing.where(criteria)
    if not 0 < max_id <= MAX_ID or not 0 < found <= MAX_ID:
        raise Refused.because("There is no customer that this would change")
    conditions = [list(pair) for pair in listing.describe(criteria, session)]
    if ids:
        conditions.append(["Chosen", "1 customer" if len(ids) == 1 else f"{len(ids):,} customers"])

    def enqueue() -> Job:
        return operations.enqueue(
            session,
            KIND,
            {
                "list": list_name,
                "search": criteria.search,
                "filters": dict(criteria.filters),
                "ids": list(ids),
                "conditions": conditions,
                "change": change.kind.value,
                "value": change.value,
                "max_id": max_id,
            },
            actor=actor,
            title=f"{TITLES[list_name]}: {mass.in_words(session, change)}"[:255],
            total=found,
        )

    return operations.once(session, f"{actor.operator_id}:{token}", enqueue)


def run(context: JobContext) -> dict[str, Any]:
    """Change chunk by chunk. A killed run goes on after its last chunk and meets nobody twice."""
    params = context.params
    change = MassChange(MassKind(params["change"]), params["value"])
    found = _found(params)
    size = current_app.config["SETTINGS"].chunk_rows
    so_far = context.cursor or {"after": 0, "changed": 0, "same": 0, "refused": 0}
    context.progress(_done(so_far), phase="Changing customers")
    while True:
        context.stop_if_cancelled()
        with context.chunk() as session:
            if not so_far["after"]:
                mass.check(session, change)
                clear_leftovers(session, context.job_id)  # those of a former run
            chunk = found.where(Customer.id > so_far["after"]).limit(size)
            ids: Sequence[int] = session.scalars(chunk).all()
            if not ids:
                break
            outcome = mass.change_customers(session, ids, change, actor=context.actor)
            list_leftovers(
                session,
                context.job_id,
                [("customers", one.id, one.number, one.reason) for one in outcome.refused],
            )
            so_far = {
                "after": ids[-1],
                "changed": so_far["changed"] + outcome.changed,
                "same": so_far["same"] + outcome.same,
                "refused": so_far["refused"] + len(outcome.refused),
            }
            context.checkpoint(session, so_far, _done(so_far))
        context.progress(_done(so_far))
    return {
        "changed": so_far["changed"],
        "had_it_already": so_far["same"],
        "refused": so_far["refused"],
    }


def _found(params: Mapping[str, Any]) -> Select[int]:
    """The ids of those whom the job is about, in their order, locked where the database can."""
    criteria = Criteria(
        search=params["search"],
        filters=params["filters"],
        zone=ZoneInfo(current_app.config["SETTINGS"].timezone),
    )
    wanted = listing_of(params["list"]).where(criteria)
    if params["ids"]:
        wanted = wanted.where(Customer.id.in_(params["ids"]))
    found = along_key(wanted, CUSTOMERS)
    # Who was changed by somebody else a moment ago is judged by what stands there now.
    return found.where(Customer.id <= params["max_id"]).with_for_update(of=Customer)


def _done(so_far: Mapping[str, int]) -> int:
    return so_far["changed"] + so_far["same"] + so_far["refused"]
