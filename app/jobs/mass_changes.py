"""A mass change of ticked customers, or of all that a list has found, as a job."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import current_app
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import Refused
from app.core.listing import Criteria, Listing
from app.core.permissions import Permission
from app.customers import mass
from app.customers.choices import CustomerKind
from app.customers.mass import MassChange, MassKind
from app.customers.models import Customer
from app.customers.queries import BY_KIND, CLIENTS
from app.customers.writing import CUSTOMERS
from app.jobs import registry
from app.jobs.context import JobContext
from app.jobs.found import enqueue_over, keys_over
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
    return enqueue_over(
        session,
        KIND,
        listing_of(list_name),
        criteria,
        ids=ids,
        max_id=max_id,
        found=found,
        noun="customer",
        params={"list": list_name, "change": change.kind.value, "value": change.value},
        title=f"{TITLES[list_name]}: {mass.in_words(session, change)}",
        total=found,
        token=token,
        actor=actor,
    )


def run(context: JobContext) -> dict[str, Any]:
    """Change chunk by chunk. A killed run goes on after its last chunk and meets nobody twice."""
    params = context.params
    change = MassChange(MassKind(params["change"]), params["value"])
    # Who was changed by somebody else a moment ago is judged by what stands there now.
    found = keys_over(listing_of(params["list"]), CUSTOMERS, params).with_for_update(of=Customer)
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


def _done(so_far: Mapping[str, int]) -> int:
    return so_far["changed"] + so_far["same"] + so_far["refused"]
