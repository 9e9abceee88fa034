"""A mass change of ticked customers, or of all that a list has found, as a job."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
from app.jobs.found import Taken, enqueue_over, keys_over, work_through
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
    """Change the customers; see `work_through`."""
    params = context.params
    change = MassChange(MassKind(params["change"]), params["value"])

    def take(session: Session, ids: Sequence[int]) -> Taken:
        if not context.cursor:
            mass.check(session, change)
        outcome = mass.change_customers(session, ids, change, actor=context.actor)
        stay = [(one.id, one.number, one.reason) for one in outcome.refused]
        return {"changed": outcome.changed, "same": outcome.same}, stay

    # Who was changed by somebody else a moment ago is judged by what stands there now.
    found = keys_over(listing_of(params["list"]), CUSTOMERS, params).with_for_update(of=Customer)
    came = work_through(
        context, found, CUSTOMERS, take, counts=("changed", "same"), phase="Changing customers"
    )
    return {
        "changed": came["changed"], "had_it_already": came["same"], "refused": came["refused"],
    }  # fmt: skip
