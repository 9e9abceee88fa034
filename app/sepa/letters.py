"""The notices that go by post: letters for window envelopes, one to a page, as PDF or in a ZIP.

A run may have many thousand of them. They are read and set some hundreds at a time, so that neither
the database nor the memory is held for long, and leave while the next ones are being set.
"""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import IO, Any, cast

from babel import Locale
from sqlalchemy import func
from sqlalchemy.orm import Session

from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import Actor
from app.core.errors import Refused
from app.core.permissions import Permission
from app.core.portions import portions
from app.customers.choices import AddressKind
from app.customers.models import Address
from app.customers.queries import addresses_of
from app.sepa.models import CollectionRun, PreNotification, RunState
from app.sepa.notice_words import WORDS, amount_in, day_in
from app.sepa.notices import Notice, by_post, intro_of, notices_of, of_run, subject_of

TEMPLATE = Path(__file__).with_name("letter.typ")
# What a process that sets this many holds is bounded; more come as several PDFs in a ZIP.
PER_PDF = 500
# Where post without a country on its envelope is sent from.
HOME = "DE"
_KINDS = (AddressKind.BILLING, AddressKind.MAIN, AddressKind.SHIPPING)


def hand_out_letters(session: Session, run: CollectionRun, *, actor: Actor) -> tuple[str, int]:
    """Note that the letters of a run are printed; the name of their file, and how many they are.

    Raises Refused where there are none, and for a cancelled run, whose letters must not go out.
    """
    actor.require(Permission.DIRECT_DEBIT_RUN)
    if run.state == RunState.VOID:
        raise Refused.because("This run was cancelled; its letters must not go out")
    wanted = of_run(run).where(by_post()).with_only_columns(func.count()).order_by(None)
    count = session.scalar(wanted) or 0
    if not count:
        raise Refused.because("This run has no letters", hint="Send its notices first")
    audit.record(
        session, actor=actor, action=Action.EXPORTED, entity="collection run", entity_id=run.id,
        entity_label=run.number, changes={"letters": [None, count]},
    )  # fmt: skip
    return f"{run.number}_letters.{'pdf' if count <= PER_PDF else 'zip'}", count


def letters(session: Session, run: CollectionRun, count: int) -> Iterator[bytes]:
    """The bytes of that file, piece by piece."""
    pdfs = _pdfs(session, run)
    if count <= PER_PDF:
        yield from pdfs
        return
    sink = _Sink()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_STORED) as archive:
        for number, pdf in enumerate(pdfs, 1):
            entry = zipfile.ZipInfo(f"{run.number}_letters_{number:03d}.pdf")
            archive.writestr(entry, pdf)
            yield sink.taken()
    yield sink.taken()


class _Sink:
    """Takes what the archive writes until it is sent."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._written.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """There is nothing behind it."""

    def taken(self) -> bytes:
        """What was written since it was last asked for."""
        found, self._written = b"".join(self._written), []
        return found


def _pdfs(session: Session, run: CollectionRun) -> Iterator[bytes]:
    # Loaded here: few processes ever set a page.
    from app.core.pdf import typeset_apart

    wanted = of_run(run).where(by_post()).with_only_columns(PreNotification.customer_id)
    ids = list(dict.fromkeys(session.scalars(wanted)))
    account = run.creditor_account
    place = " ".join(part for part in (account.postcode, account.place) if part)
    sender = " · ".join(part for part in (run.creditor_name, account.street, place) if part)
    today, home = clock.today(), account.country or HOME
    for some in portions(ids, PER_PDF):
        addresses: dict[int, list[Address]] = {}
        for few in portions(some):
            addresses |= addresses_of(session, few)
        set_letters = [
            _letter(run, one, window_lines(one, addresses[one.customer.id], home), today)
            for one in notices_of(session, run, some)
        ]
        values = {"letters": set_letters, "sender": sender, "creditor": run.creditor_name}
        yield typeset_apart(
            TEMPLATE.read_text("utf-8"), values, at=run.created_at,
            title=f"{run.number}: notices by letter",
        )  # fmt: skip


def _letter(
    run: CollectionRun, notice: Notice, address: Sequence[str], today: date
) -> dict[str, Any]:
    words, language = WORDS[notice.language], notice.language
    return {
        "language": language,
        "address": list(address),
        "date": day_in(language, today),
        "subject": subject_of(run, notice),
        "greeting": words.greeting.format(name=notice.name),
        "intro": intro_of(run, notice),
        "headings": [words.invoice, words.mandate, words.account, words.amount],
        "rows": [
            [one.invoice, one.mandate, one.account, amount_in(language, one.amount)]
            for one in notice.lines
        ],
        "total_label": words.total,
        "total": amount_in(language, notice.total),
        "facts": [
            [words.creditor, run.creditor_name],
            [words.identifier, run.creditor_identifier],
            [words.customer, notice.customer.number],
        ],
        "closing": words.closing,
    }


def window_lines(notice: Notice, addresses: Sequence[Address], home: str) -> list[str]:
    """What the window of an envelope shows: the billing address, or else the main one."""
    customer = notice.customer
    person = " ".join(p for p in (customer.title, customer.first_name, customer.name) if p)
    firm = customer.company_name if customer.kind != "individual" else None
    lines: list[str | None] = [firm, person]
    if addresses:
        best = min(addresses, key=lambda one: (_KINDS.index(AddressKind(one.kind)),
                                               not one.is_default, one.id))  # fmt: skip
        box = "Postfach" if notice.language == "de" else "PO box"
        abroad = best.country if best.country and best.country != home else None
        lines += [
            f"c/o {best.care_of}" if best.care_of else None,
            best.street if not best.po_box else None,
            best.line_2,
            f"{box} {best.po_box}" if best.po_box else None,
            " ".join(part for part in (best.postcode, best.place) if part),
            best.state if abroad else None,
            _country(abroad, notice.language) if abroad else None,
        ]
    return [line for line in lines if line]


def _country(code: str, language: str) -> str:
    return str(Locale(language).territories.get(code, code)).upper()
