"""Bank files of 50,000 collections: Kontor from database to stored file, sepaxml beside it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from bench.children import Found, in_a_child
from bench.data import analyse
from bench.installation import Installation
from bench.timing import say

COLLECTIONS = 50_000
AT_ONCE = 5_000
SECONDS, MEGABYTES = 12, 120
NUMBER = "DD-BENCH"


def measure_bank_files(installation: Installation) -> Found:
    """Kontor's file and sepaxml's of the same collections, each in a process of its own."""
    _prepare(installation)
    folder = str(installation.folder)
    own = in_a_child("kontor-bank-file", folder)
    peer = in_a_child("sepaxml-bank-file", folder)
    return {"count": COLLECTIONS, "kontor": own, "sepaxml": peer}


def kontor_bank_file(folder: Any) -> Any:
    """Make, check and store the file of the run, as the command does."""
    installation = Installation(folder)
    app = installation.application()

    def run() -> Found:
        from app.core.actor import COMMAND_LINE
        from app.extensions import db
        from app.jobs.filing import file_now
        from app.sepa.models import CollectionRun
        from app.sepa.rules import Policy

        with app.app_context():
            found = db.session.scalars(select(CollectionRun)).one()
            run_id = found.id
            db.session.rollback()
            made = file_now(run_id, policy=Policy(), actor=COMMAND_LINE)
            [one] = db.session.get_one(CollectionRun, run_id).files
            assert made and one.collection_count == COLLECTIONS
            return {"collections": one.collection_count, "megabytes": one.file.size / 1e6}

    return run


def sepaxml_bank_file(folder: Any) -> Any:
    """What the library makes of the same collections, read from the same database, and its check.

    Its check stops at 1,000,000 elements, which are some 41,660 collections: the limit is raised.
    """
    app = Installation(folder).application()

    def run() -> Found:
        import xmlschema.limits
        from sepaxml import SepaDD

        from app.extensions import db
        from app.sepa.models import Collection, CollectionRun

        xmlschema.limits.MAX_XML_ELEMENTS = 100_000_000
        with app.app_context():
            one = db.session.scalars(select(CollectionRun)).one()
            file = SepaDD(
                {
                    "name": one.creditor_name, "IBAN": one.creditor_iban,
                    "BIC": one.creditor_bic, "batch": True,
                    "creditor_id": one.creditor_identifier, "currency": "EUR",
                },
                schema="pain.008.001.08",
            )  # fmt: skip
            rows = db.session.execute(select(Collection.__table__).order_by(Collection.id))
            for row in rows.yield_per(1000):
                file.add_payment(_payment(row, one.collection_date))
        content = file.export(validate=True)
        return {"collections": COLLECTIONS, "megabytes": len(content) / 1e6}

    return run


def _payment(row: Any, day: date) -> dict[str, Any]:
    return {
        "name": row.debtor_name,
        "IBAN": row.iban,
        **({"BIC": row.bic} if row.bic else {}),
        "amount": int(row.amount * 100),
        "type": row.sequence_type,
        "collection_date": day,
        "mandate_id": row.mandate_reference,
        "mandate_date": row.mandate_signed_on,
        "description": row.remittance_text,
        "endtoend_id": row.end_to_end_id,
    }


def _prepare(installation: Installation) -> None:
    """Customers with mandates, and a released run of an invoice of each, not filed yet."""
    installation.command("db", "upgrade")
    installation.command("seed", "basics")
    app = installation.application()
    with app.app_context():
        from app.core.models import StoredFile
        from app.extensions import db
        from app.sepa.models import Collection, CollectionRun, Mandate, RunFile

        session = db.session()
        missing = COLLECTIONS - (session.scalar(select(func.count(Mandate.id))) or 0)
        session.rollback()
        if missing > 0:
            say(f"{missing:,} customers and their mandates are made")
            installation.command("seed", "customers", "--count", str(missing), "--seed", "8")
        for table in (RunFile, Collection, CollectionRun, StoredFile):
            session.execute(delete(table.__table__))
        _run(session)
        session.commit()
        analyse(session)
        session.rollback()
        db.session.remove()
        db.engine.dispose()


def _run(session: Session) -> None:
    from app.billing.models import Invoice, InvoiceState
    from app.sepa.models import Collection, CollectionRun, CreditorAccount, Mandate

    say(f"a run of {COLLECTIONS:,} collections is made")
    account = session.scalars(select(CreditorAccount)).first()
    assert account is not None
    now = datetime.now(UTC)
    amounts = [Decimal(1000 + number % 9000) / 100 for number in range(COLLECTIONS)]
    run = CollectionRun(
        number=NUMBER, creditor_account_id=account.id, creditor_name=account.name,
        creditor_identifier=account.creditor_identifier, creditor_iban=account.iban,
        creditor_bic=account.bic, scheme=account.scheme, collection_date=_day(now.date()),
        state="released", collection_count=COLLECTIONS, amount=sum(amounts, Decimal(0)),
        created_at=now, created_by_label="bench", released_at=now, released_by_label="bench",
    )  # fmt: skip
    session.add(run)
    session.flush()
    mandates = session.execute(select(Mandate.__table__).order_by(Mandate.id)).all()
    first = (session.scalar(select(func.max(Invoice.id))) or 0) + 1
    chosen = enumerate(islice(cycle(mandates), COLLECTIONS))
    rows = ((first + n, mandate, amounts[n]) for n, mandate in chosen)
    while some := list(islice(rows, AT_ONCE)):
        session.execute(
            insert(Invoice),
            [
                {
                    "id": id_, "number": f"BENCH-{id_}", "customer_id": mandate.customer_id,
                    "amount": amount, "issued_on": now.date(), "due_on": now.date(),
                    "state": InvoiceState.IN_COLLECTION.value, "created_at": now,
                }
                for id_, mandate, amount in some
            ],
        )  # fmt: skip
        session.execute(insert(Collection), list(_collections(run.id, some)))


def _collections(run_id: int, some: list[tuple[int, Any, Decimal]]) -> Iterator[dict[str, Any]]:
    from app.sepa.characters import legal_name

    for id_, mandate, amount in some:
        yield {
            "run_id": run_id, "invoice_id": id_, "customer_id": mandate.customer_id,
            "mandate_id": mandate.id, "state": "live", "end_to_end_id": f"{NUMBER}-{id_}",
            "sequence_type": "RCUR", "amount": amount,
            "debtor_name": legal_name(mandate.account_holder), "iban": mandate.iban,
            "bic": mandate.bic, "mandate_reference": mandate.reference,
            "mandate_signed_on": mandate.signed_on or date(2026, 1, 15),
            "remittance_text": f"Invoice BENCH-{id_}", "street": "Hauptstr. 12",
            "postcode": "50667", "place": "Köln", "country": "DE",
        }  # fmt: skip


def _day(today: date) -> date:
    from app.sepa.calendar import target_day_from

    return target_day_from(today + timedelta(days=14))
