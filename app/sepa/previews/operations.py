"""Previews that are worked out in the background: begun, written in portions, done, forgotten."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any, cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.bulk import add_rows
from app.core.errors import Refused
from app.core.permissions import Permission
from app.sepa.candidates import Candidate, Verdict
from app.sepa.models import CreditorAccount
from app.sepa.previews.models import PreviewLine, RunPreview
from app.sepa.previews.queries import last_entry
from app.sepa.previews.totals import Totals, sections_of
from app.sepa.rules import Policy

_LINES = cast(Table, PreviewLine.__table__)


def begin_preview(
    session: Session,
    account: CreditorAccount,
    collection_date: date,
    *,
    policy: Policy,
    actor: Actor,
) -> RunPreview:
    """A preview that is still to be worked out. Raises Refused for an impossible date."""
    actor.require(Permission.DIRECT_DEBIT_RUN)
    policy.of_account(account).check_collection_date(collection_date, clock.now())
    preview = RunPreview(
        creditor_account_id=account.id,
        collection_date=collection_date,
        state="working",
        begun_at=clock.now(),
        account_version=account.version,
        after_entry=last_entry(session),
    )
    session.add(preview)
    session.flush()
    return preview


def add_lines(
    session: Session, preview_id: int, verdicts: Iterable[Verdict], places: Counter[str]
) -> None:
    """Write some verdicts; `places` counts the lines of each section so far."""
    rows: list[dict[str, Any]] = []
    for verdict in verdicts:
        collected = isinstance(verdict, Candidate)
        for section in sections_of(verdict):
            rows.append(
                {
                    "preview_id": preview_id,
                    "section": section,
                    "place": places[section],
                    "invoice_id": verdict.invoice_id,
                    "mandate_id": verdict.mandate_id,
                    "attempt": verdict.attempt if isinstance(verdict, Candidate) else 1,
                    "mark": verdict.mark if collected else 0,  # type: ignore[union-attr]
                }
            )
            places[section] += 1
    add_rows(session, _LINES, rows)


def finish_preview(session: Session, preview_id: int, totals: Totals | None) -> None:
    """The preview can be looked at; without totals it has failed."""
    session.execute(
        update(RunPreview)
        .where(RunPreview.id == preview_id)
        .values(
            state="failed" if totals is None else "done",
            totals=None if totals is None else totals.as_json(),
        )
    )


def clear_lines(session: Session, preview_id: int, most: int) -> int:
    """Delete some lines of a preview; how many it were, 0 once none is left."""
    first = session.execute(
        select(PreviewLine.section, PreviewLine.place)
        .where(PreviewLine.preview_id == preview_id)
        .order_by(PreviewLine.section, PreviewLine.place)
        .limit(1)
    ).first()
    if first is None:
        return 0
    done = session.execute(
        delete(_LINES).where(
            _LINES.c.preview_id == preview_id,
            _LINES.c.section == first.section,
            _LINES.c.place < first.place + most,
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def check_current(preview: RunPreview, account: CreditorAccount, policy: Policy) -> None:
    """Raise Refused where a preview can no longer become a run, whatever its invoices say."""
    if preview.state != "done":
        raise Refused.because("This preview is not worked out yet")
    again = "Work it out again"
    if preview.begun_at.astimezone(policy.tz).date() != clock.today(policy.zone):
        raise Refused.because("This preview is of another day", hint=again)
    if preview.account_version != account.version:
        raise Refused.because("The creditor account has changed since this preview", hint=again)
