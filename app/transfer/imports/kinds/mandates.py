"""The mandate in a customer's row: a reference with its signing date arrives as an active one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.among import one_of
from app.core.errors import Problem
from app.core.portions import portions
from app.customers.models import Customer
from app.customers.rules import display_name
from app.sepa.characters import is_legal_id
from app.sepa.models import Mandate
from app.sepa.operations_mandates import MandateDraft, create_mandates
from app.sepa.rules import iban_problem
from app.transfer.columns.base import CLEAR
from app.transfer.imports.kinds.base import Judging, claim_unique
from app.transfer.imports.plan import PlanLine
from app.transfer.imports.rows import ReadRow

if TYPE_CHECKING:
    from app.transfer.imports.kinds.stored import Stored

_CUSTOMERS: Any = Customer.__table__.columns
# What a mandate needs to know of its customer.
_PAYER = [
    _CUSTOMERS[name]
    for name in (
        *("id", "kind", "iban", "bic", "account_holder"),
        *("first_name", "name", "company_name"),
    )
]
_ILLEGAL = (
    "Mandate reference has characters that banks refuse",
    "Letters without accents, digits, blanks and / - ? : ( ) . , ' +",
)
_IBAN_NEEDED = ("A mandate needs an IBAN", "It is the account that may be collected from")


def claim_mandate(judging: Judging, row: ReadRow) -> None:
    """No two rows of a file bring a mandate of the same reference, whatever its case."""
    reference = row.values.get("mandate_reference")
    if isinstance(reference, str):
        claim_unique(judging, row, "mandate_reference", reference.lower(), "Mandate reference")


def judge_mandates(
    session: Session, rows: Sequence[ReadRow], targets: Mapping[int, "Stored"]
) -> None:
    """Refuse a mandate that is incomplete, has no account, or whose reference is taken.

    One that an updated customer has already is no longer part of the row.
    """
    holders = _holders(session, (row.values.get("mandate_reference") for row in rows))
    for row in rows:
        reference = row.values.get("mandate_reference")
        signed_on = row.values.get("mandate_signed_on")
        target = targets.get(id(row))
        if not isinstance(reference, str):
            if signed_on not in (None, CLEAR) and not row.has_refusal("mandate_reference"):
                row.refuse("mandate_reference", "Mandate reference is missing")
            continue
        holder = holders.get(reference.lower())
        if holder is not None and target is not None and holder == target.id:
            row.values.pop("mandate_reference")
            row.values.pop("mandate_signed_on", None)
            continue
        if holder is not None:
            row.refuse_for([_taken()])
        if not is_legal_id(reference):
            row.refuse_for([Problem("mandate_reference", *_ILLEGAL)])
        _judge_one(row, signed_on, row.values.get("iban") or (target and target.values["iban"]))


def late_mandates(session: Session, lines: Sequence[PlanLine]) -> dict[int, list[Problem]]:
    """The mandates whose reference was taken since the check, by the place of their line."""
    references = [line.values.get("mandate_reference") for line in lines]
    holders = _holders(session, references)
    found: dict[int, list[Problem]] = defaultdict(list)
    for place, reference in enumerate(references):
        if reference and reference.lower() in holders:
            found[place].append(_taken())
    return found


def mandate_of(values: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The reference and the signing date that a row brings, if it brings a mandate."""
    reference = values.get("mandate_reference")
    return (reference, values["mandate_signed_on"]) if isinstance(reference, str) else None


def _judge_one(row: ReadRow, signed_on: Any, iban: Any) -> None:
    if row.has_refusal("mandate_signed_on"):
        pass
    elif signed_on in (None, CLEAR):
        row.refuse("mandate_signed_on", "Mandate signed on is missing")
    elif signed_on > clock.today():
        row.refuse("mandate_signed_on", "Mandate signed on is in the future")
    if row.has_refusal("iban"):
        return
    if not isinstance(iban, str):
        row.refuse("iban", *_IBAN_NEEDED)
    elif wrong := iban_problem(iban):
        row.refuse("iban", wrong.value, "A mandate needs an account within SEPA")


def _taken() -> Problem:
    return Problem(
        "mandate_reference",
        "Mandate reference is already used by another mandate",
        "Every mandate needs its own",
    )


def _holders(session: Session, references: Iterable[Any]) -> dict[str, int]:
    """The customers that have mandates of these references, by the reference in small letters."""
    wanted = {reference.lower() for reference in references if isinstance(reference, str)}
    key = func.lower(Mandate.reference)
    return {
        reference: customer_id
        for some in portions(sorted(wanted))
        for reference, customer_id in session.execute(
            select(key, Mandate.customer_id).where(one_of(key, some))
        )
    }


def create_mandates_of(
    session: Session, customers: Iterable[tuple[int, PlanLine]], *, actor: Actor
) -> None:
    """Give customers, new or updated just now, the mandates that their lines bring."""
    brought = {key: found for key, line in customers if (found := mandate_of(line.values))}
    drafts = []
    for some in portions(list(brought)):
        for row in session.execute(select(*_PAYER).where(one_of(_CUSTOMERS.id, some))).mappings():
            reference, signed_on = brought[row["id"]]
            drafts.append(
                MandateDraft(
                    reference,
                    row["id"],
                    row["iban"] or "",
                    row["account_holder"] or display_name(dict(row)),
                    bic=row["bic"],
                    signed_on=signed_on,
                )
            )
    create_mandates(session, drafts, actor=actor)
