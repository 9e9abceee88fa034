"""A bank's answer to a run of 100,000 collections: one camt.053, read and matched."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bench.children import in_a_child
from bench.installation import Installation
from bench.timing import say

COLLECTIONS: Final = 100_000
IBAN: Final = "DE89370400440532013000"
_DAY: Final = date(2026, 12, 1)
_CHUNK: Final = 5_000


def measure_answers(installation: Installation) -> dict[str, Any]:
    """The report read by the job, as the panel and the command run it, in a process of its own."""
    file = installation.folder / "camt.053.xml"
    prepare_run(installation)
    write_statement(installation, file)
    return {"answers": in_a_child("bank-answers", str(installation.folder), str(file))}


def reading(folder: str, file: str) -> Callable[[], dict[str, Any]]:
    """What the child does: read the file once, from the upload to the closed run."""
    from app import create_app
    from app.config import Settings

    # As the command and the worker make it.
    app = create_app(Settings(instance=folder), pages=False)

    def run() -> dict[str, Any]:
        from app.core.actor import COMMAND_LINE
        from app.extensions import db, transaction
        from app.jobs import bank_reports
        from app.jobs.operations import run_now
        from app.sepa.reports.models import BankReport

        with app.app_context():
            with Path(file).open("rb") as content:
                kept = bank_reports.keep(content)
            with transaction() as session:
                job_id = bank_reports.start_reading(
                    session, kept, "camt.053.xml", actor=COMMAND_LINE, foreground=True
                ).id
            job = run_now(job_id)
            assert job.result is not None, job.error
            report = db.session.get_one(BankReport, job.result["reports"][0]["report"])
            assert report.settled == COLLECTIONS, report.settled
            return {
                "entries": report.entries,
                "settled": report.settled,
                "megabytes": kept.size / 1e6,
            }

    return run


def prepare_run(installation: Installation) -> None:
    """An installation with one run of 100,000 collections that the bank has, made by bulk rows."""
    installation.folder.mkdir(parents=True, exist_ok=True)
    installation.command("db", "upgrade")
    installation.command("seed", "basics")
    if not _seeded(installation):
        installation.command("seed", "customers", "--count", str(COLLECTIONS), "--seed", "6")
        _hand_in(installation)


def _seeded(installation: Installation) -> bool:
    app = installation.application()
    with app.app_context():
        from sqlalchemy import select

        from app.extensions import db
        from app.sepa.models import CollectionRun

        return db.session.scalar(select(CollectionRun.id).limit(1)) is not None


def _hand_in(installation: Installation) -> None:
    """Invoices, mandates and collections of every customer: what a run leaves behind."""
    app = installation.application()
    with app.app_context():
        from sqlalchemy import insert, select

        from app.core import clock
        from app.customers.models import Customer
        from app.extensions import db, transaction
        from app.sepa.models import CollectionRun, CreditorAccount

        with transaction() as session:
            account = session.scalars(select(CreditorAccount)).first()
            assert account is not None  # of seed basics
            account.iban = IBAN
            run = CollectionRun(
                number="DD2026-00001", creditor_account_id=account.id, creditor_name=account.name,
                creditor_identifier=account.creditor_identifier, creditor_iban=IBAN,
                scheme=account.scheme, collection_date=_DAY, state="handed in",
                collection_count=COLLECTIONS, amount=sum_of_all(), created_at=clock.now(),
                created_by_label="bench", filed_at=clock.now(), handed_in_at=clock.now(),
            )  # fmt: skip
            session.add(run)
            session.flush()
            run_id = run.id
        ids = db.session.scalars(select(Customer.id).order_by(Customer.id)).all()
        for start in range(0, len(ids), _CHUNK):
            with transaction() as session:
                for table, rows in _rows(run_id, ids[start : start + _CHUNK], start, clock.now()):
                    session.execute(insert(table), rows)
    say(f"{COLLECTIONS:,} collections are at the bank")


def _rows(
    run_id: int, customers: Any, start: int, now: datetime
) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    from app.billing.models import Invoice
    from app.sepa.models import Collection, Mandate

    numbered = list(enumerate(customers, start=start + 1))
    yield Invoice, [
        {
            "id": number, "number": f"RE-{number:07}", "customer_id": customer,
            "amount": amount_of(number), "issued_on": _DAY, "due_on": _DAY,
            "state": "in collection", "created_at": now, "version": 1,
        }
        for number, customer in numbered
    ]  # fmt: skip
    yield Mandate, [
        {
            "id": 10_000_000 + number, "reference": f"BENCH-{number:07}", "customer_id": customer,
            "iban": IBAN, "account_holder": f"Debtor {number}", "state": "active",
            "signed_on": date(2026, 1, 1), "created_at": now, "version": 1,
        }
        for number, customer in numbered
    ]  # fmt: skip
    yield Collection, [
        {
            "run_id": run_id, "invoice_id": number, "customer_id": customer,
            "mandate_id": 10_000_000 + number, "end_to_end_id": end_to_end_id(number),
            "sequence_type": "RCUR", "amount": amount_of(number), "iban": IBAN,
            "debtor_name": f"Debtor {number}", "mandate_reference": f"BENCH-{number:07}",
            "mandate_signed_on": date(2026, 1, 1), "remittance_text": f"Invoice RE-{number:07}",
        }
        for number, customer in numbered
    ]  # fmt: skip


def amount_of(number: int) -> Decimal:
    """What one collection is of, in euros."""
    return Decimal(500 + number % 20_000) / 100


def sum_of_all() -> Decimal:
    """What all are of."""
    return sum((amount_of(number) for number in range(1, COLLECTIONS + 1)), Decimal(0))


def end_to_end_id(number: int) -> str:
    """The id by which the bank tells of one."""
    return f"DD2026-00001-{number}"


def write_statement(installation: Installation, file: Path) -> None:
    """The camt.053.001.08, an entry for each collection."""
    with file.open("w", encoding="utf-8") as target:
        target.write(_HEAD)
        for number in range(1, COLLECTIONS + 1):
            target.write(
                _ENTRY.format(
                    amount=amount_of(number), id=end_to_end_id(number), number=number, iban=IBAN
                )
            )
        target.write("</Stmt></BkToCstmrStmt></Document>\n")


_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr>'
    "<MsgId>BENCH</MsgId><CreDtTm>2026-12-01T20:00:00+01:00</CreDtTm></GrpHdr><Stmt><Id>BENCH</Id>"
    f"<CreDtTm>2026-12-01T20:00:00+01:00</CreDtTm><Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>EUR</Ccy>"
    '</Acct><Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt>'
    "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-12-01</Dt></Dt></Bal>"
)
_ENTRY: Final = (
    '<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
    "<BookgDt><Dt>2026-12-01</Dt></BookgDt><ValDt><Dt>2026-12-01</Dt></ValDt>"
    "<AcctSvcrRef>2026120100{number:07}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd>"
    "<SubFmlyCd>ESDD</SubFmlyCd></Fmly></Domn><Prtry><Cd>NTRF+171+9310</Cd><Issr>DK</Issr></Prtry>"
    "</BkTxCd><NtryDtls><TxDtls><Refs><MsgId>DD2026-00001-1</MsgId><PmtInfId>DD2026-00001-1-RCUR"
    "</PmtInfId><EndToEndId>{id}</EndToEndId><MndtId>BENCH-{number:07}</MndtId></Refs>"
    '<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>Debtor '
    "{number}</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct></RltdPties>"
    "<RmtInf><Ustrd>Invoice RE-{number:07}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n"
)
