"""What is to be done next with a run, in a sentence or two, and the pages where it is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from admin_views.access import acting
from admin_views.assets import address_of
from admin_views.formatters import Link
from admin_views.jobs import is_active
from admin_views.run_steps import filing_job, waits_for_second_person
from app.core.permissions import Permission
from app.extensions import db
from app.jobs import filing
from app.sepa.models import CollectionRun, RunState, Scheme
from app.sepa.queries_returns import left_of_run
from app.sepa.return_rules import B2B_DAYS, REFUND_DAYS, UNAUTHORISED_MONTHS

_NEXT: Mapping[RunState, str] = {
    RunState.CREATED: "Look through the collections, then release the run.",
    RunState.RELEASED: "Make the bank file.",
    RunState.FILED: "Download the bank file, hand it in at the bank, then note it here.",
    RunState.HANDED_IN: "The bank has the file. Read in its answer when it comes.",
}
_MAY_RETURN = {
    Scheme.CORE: f"Customers may have a collection returned for {REFUND_DAYS // 7} weeks, "
    f"and for {UNAUTHORISED_MONTHS} months where there was no mandate.",
    Scheme.B2B: f"The bank may return a collection for {B2B_DAYS} bank days.",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What is to be done next, empty where nothing is, and where it is done."""

    text: str
    ways: Sequence[Link] = ()


def advice_of(run: CollectionRun) -> Advice:
    """What is to be done next with a run, for who looks at it."""
    job = filing_job(run)
    if job is not None and is_active(job):
        return Advice("The bank file is being written and checked. You can leave this page.")
    if job is not None and filing.has_failed(job):
        return Advice("")  # why it failed says what to do
    if waits_for_second_person(run):
        return Advice("You created this run. A second person has to release it.")
    state = RunState(run.state)
    if state in (RunState.ANSWERED, RunState.CLOSED):
        return _answered(run)
    ways = _reports() if state is RunState.HANDED_IN else ()
    return Advice(_NEXT.get(state, ""), ways)


def _answered(run: CollectionRun) -> Advice:
    left = left_of_run(db.session(), run)
    said = [_returns(left.returns), _open(left.live)]
    if not left.live:
        said.append(_MAY_RETURN[Scheme(run.scheme)])
    ways = [*(_work_list(run) if left.returns else ()), *(_reports() if left.live else ())]
    return Advice(" ".join(filter(None, said)), ways)


def _returns(number: int) -> str:
    if not number:
        return ""
    return f"{number:,} return{'s wait' if number != 1 else ' waits'} to be worked off."


def _open(number: int) -> str:
    if not number:
        return "The bank has answered for every collection."
    many = f"{number:,} collections are" if number != 1 else "1 collection is"
    return f"{many} still open: read in the bank’s next report when it comes."


def _reports() -> Sequence[Link]:
    if not acting().may(Permission.BANK_REPORTS_IMPORT):
        return ()
    return (Link("Read in a bank report", address_of("bank_reports.upload_view")),)


def _work_list(run: CollectionRun) -> Sequence[Link]:
    if not acting().may(Permission.BANK_REPORTS_VIEW):
        return ()
    return (Link("See the returns", address_of("returns.index_view", run=run.number)),)
