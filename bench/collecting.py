"""Direct debit at size: the preview of a million open invoices, and a run of 50,000."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import delete, func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from bench.installation import Installation, Panel, opened
from bench.timing import Row, row, say, timed

INVOICES, IN_A_RUN = 1_000_000, 50_000
# Invoices of these measurements, and no others, are numbered so.
SIGN = "BENCH-"
PAGE = "/admin/direct_debit/collect/"


def measure_collecting(installation: Installation) -> dict[str, Any]:
    """The preview worked out and shown, and the run made; what was made for it is taken away."""
    installation.command("db", "upgrade")
    with opened(installation) as (app, panel):
        with app.app_context():
            day, run_day = _days()
            _prepare(day, run_day)
        try:
            return _measured(app, panel, day, run_day)
        finally:
            with app.app_context():
                _clear()


def _measured(app: Flask, panel: Panel, day: date, run_day: date) -> dict[str, Any]:
    """`day` is when everything is due; by `run_day`, the day before, 50,000 invoices are."""
    rows: list[Row] = []
    found: dict[str, Any] = {"invoices": INVOICES}
    with app.app_context():
        found["work_out"] = _worked_out(day)
    address = f"{PAGE}?date={day}"
    rows.append(row("preview of a million", [timed(address, lambda: panel.get(address))]))
    page = f"{PAGE}rows/?date={day}&section=COLLECTED&preview={{}}&page=9000"
    with app.app_context():
        address_of_page = page.format(_newest(day))
    rows.append(row("a page far down", [timed(page, lambda: panel.get(address_of_page))]))
    with app.app_context():
        _worked_out(run_day)
        found["create"] = _created(run_day)
    say(f"preview {rows[0].median:.0f} ms; {found}")
    return found | {"rows": [one.as_json() for one in rows]}


def _days() -> tuple[date, date]:
    from app.sepa.calendar import target_day_from

    run_day = target_day_from(_today() + timedelta(days=30))
    return target_day_from(run_day + timedelta(days=1)), run_day


def _today() -> date:
    return datetime.now(UTC).date()


def _prepare(day: date, run_day: date) -> None:
    """A million invoices of those who pay by direct debit, each with an active mandate."""
    from app.extensions import transaction

    with transaction() as session:
        _clear_rows(session)
        _mandates(session)
        _invoices(session, day, run_day)
    with transaction() as session:
        session.execute(text("ANALYZE"))


def _mandates(session: Session) -> None:
    """One for each payer who has none; those that the seed made long ago count as used lately."""
    from app.customers.models import Customer
    from app.sepa.models import Mandate

    lately = _today() - timedelta(days=100)
    session.execute(
        update(Mandate)
        .where(Mandate.last_collected_on.is_(None), Mandate.signed_on < lately)
        .values(last_collected_on=lately)
    )

    has = select(Mandate.id).where(Mandate.customer_id == Customer.id)
    named = {
        "reference": literal(SIGN).concat(Customer.number),
        "customer_id": Customer.id,
        "iban": Customer.iban,
        "bic": Customer.bic,
        "account_holder": func.coalesce(Customer.account_holder, Customer.name),
        "scheme": literal("CORE"),
        "type": literal("recurrent"),
        "state": literal("active"),
        "signed_on": literal(lately),
        "created_at": literal(datetime.now(UTC), Mandate.created_at.type),
        "version": literal(1),
    }
    session.execute(
        insert(Mandate).from_select(
            list(named),
            select(*named.values()).where(_payers(), Customer.iban.is_not(None), ~has.exists()),
        )
    )


def _payers() -> Any:
    from app.customers.models import Customer

    return (Customer.payment_method == "SEPA direct debit") & Customer.deleted_at.is_(None)


def _invoices(session: Session, day: date, run_day: date) -> None:
    """As many for each payer as it takes; the first 50,000 are due a day before the others."""
    from app.billing.models import Invoice
    from app.customers.models import Customer

    payers = session.scalar(select(func.count()).select_from(Customer).where(_payers())) or 1
    rounds = -(-INVOICES // payers)
    issued, made = _today(), 0
    for turn in range(rounds):
        left = INVOICES - made
        some = select(Customer.id, Customer.number).where(_payers()).order_by(Customer.id)
        one = some.limit(min(left, payers)).subquery()
        named = {
            "number": literal(f"{SIGN}{turn}-").concat(one.c.number),
            "customer_id": one.c.id,
            "amount": (one.c.id * 7 + turn) % 90_000 + 100,
            "currency": literal("EUR"),
            "issued_on": literal(issued),
            "due_on": literal(day),
            "state": literal("open"),
            "created_at": literal(datetime.now(UTC), Invoice.created_at.type),
            "version": literal(1),
        }
        session.execute(insert(Invoice).from_select(list(named), select(*named.values())))
        made += min(left, payers)
    first = select(Invoice.id).where(Invoice.number.startswith(f"{SIGN}0-")).order_by(Invoice.id)
    session.execute(
        update(Invoice).where(Invoice.id.in_(first.limit(IN_A_RUN))).values(due_on=run_day)
    )


def _worked_out(day: date) -> dict[str, float]:
    """A preview by its job, as the button in the panel starts it, run in this process."""
    from app.core.actor import COMMAND_LINE
    from app.extensions import transaction
    from app.jobs.collecting import start_preview
    from app.sepa.queries import account_by_label

    with transaction() as session:
        job = start_preview(session, account_by_label(session), day, actor=COMMAND_LINE)
        assert job is not None
        job_id = job.id
    return _run(job_id)


def _created(day: date) -> dict[str, float]:
    """A run made of the preview of its day."""
    from app.core.actor import COMMAND_LINE
    from app.extensions import transaction
    from app.jobs.collecting import start_creating

    with transaction() as session:
        job_id = start_creating(session, _newest(day), actor=COMMAND_LINE).id
    return _run(job_id)


def _run(job_id: int) -> dict[str, float]:
    from app.jobs.operations import run_now

    with _measuring() as took:
        job = run_now(job_id)
    assert job.state == "done", job.error
    return took | {"peak_mb": _peak_mb()} | {k: v for k, v in (job.result or {}).items()
                                             if isinstance(v, int)}  # fmt: skip


@contextmanager
def _measuring() -> Iterator[dict[str, float]]:
    took: dict[str, float] = {}
    began, used = time.perf_counter(), time.process_time()
    yield took
    took["seconds"] = time.perf_counter() - began
    took["processor_seconds"] = time.process_time() - used


def _peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _newest(day: date) -> int:
    from app.extensions import db
    from app.sepa.previews.queries import latest_preview
    from app.sepa.queries import account_by_label

    session = db.session()
    preview = latest_preview(session, account_by_label(session).id, day)
    assert preview is not None
    return preview.id


def _clear() -> None:
    from app.extensions import transaction

    with transaction() as session:
        _clear_rows(session)


def _clear_rows(session: Session) -> None:
    """What these measurements have made: previews, runs with their collections, invoices."""
    from app.billing.models import Invoice
    from app.sepa.models import Collection, CollectionRun, Mandate
    from app.sepa.previews.models import PreviewLine, RunPreview

    ours = select(Invoice.id).where(Invoice.number.startswith(SIGN))
    runs = select(Collection.run_id).where(Collection.invoice_id.in_(ours)).distinct()
    run_ids = session.scalars(runs).all()
    session.execute(delete(PreviewLine))
    session.execute(delete(RunPreview))
    session.execute(delete(Collection).where(Collection.run_id.in_(run_ids)))
    session.execute(delete(CollectionRun).where(CollectionRun.id.in_(run_ids)))
    session.execute(delete(Invoice).where(Invoice.number.startswith(SIGN)))
    session.execute(delete(Mandate).where(Mandate.reference.startswith(SIGN)))
