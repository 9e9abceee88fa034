"""What is checked as soon as a field of a customer is left; saving checks the same again."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin_views.customer_fields import MASK, reading_country
from admin_views.lookups import Check, Checked
from app.core.errors import Problem
from app.core.text import clean
from app.core.values import (
    ValueProblem,
    bank_of,
    parse_country,
    parse_email,
    parse_iban,
    parse_phone,
    parse_vat_id,
    show_phone,
)
from app.customers.collisions import collisions, record_address
from app.customers.models import Customer
from app.customers.queries_places import places_of_postcode
from app.customers.rules import FIELD_LABELS

LONGEST = 320
_ADDRESS_PART = re.compile(r"addresses-(\d{1,4})-(kind|country|is_default)")


def _email(session: Session, posted: Mapping[str, str], known: int | None) -> Checked:
    email = parse_email(_typed(posted), FIELD_LABELS["email"])
    return Checked(_holders(session, {"email_key": email.casefold()}, known))


def _mobile_phone(session: Session, posted: Mapping[str, str], known: int | None) -> Checked:
    country = reading_country(_addresses(posted))
    phone = parse_phone(_typed(posted), FIELD_LABELS["mobile_phone"], country)
    return Checked(_holders(session, {"mobile_phone": phone}, known), note=show_phone(phone))


def _iban(session: Session, posted: Mapping[str, str], known: int | None) -> Checked:
    raw = _typed(posted)
    if MASK in raw:
        return Checked()
    bic, bank = bank_of(parse_iban(raw, FIELD_LABELS["iban"]))
    if not bic and not bank:
        return Checked(note="The bank is not in the register; fill in the BIC if you know it")
    return Checked(note=bank or "", fill={"bic": bic} if bic else {})


def _vat_id(session: Session, posted: Mapping[str, str], known: int | None) -> Checked:
    vat_id = parse_vat_id(_typed(posted), FIELD_LABELS["vat_id"])
    holder = session.scalar(
        select(Customer.number)
        .where(Customer.vat_id == vat_id, Customer.deleted_at.is_(None), Customer.id != known)
        .order_by(Customer.id)
        .limit(1)
    )
    if holder is None:
        return Checked()
    problem = Problem(
        "vat_id",
        f"Customer {holder} has this VAT ID too",
        "It can be saved; look whether they are the same",
        link=(f"Customer {holder}", record_address(holder)),
    )
    return Checked([problem])


def _postcode(session: Session, posted: Mapping[str, str], known: int | None) -> Checked:
    """The place of a postcode, where an address with it is stored already."""
    postcode = clean(_typed(posted)) or ""
    row = posted.get("field", "").rpartition("-")[0]
    typed = posted.get(f"{row}-country", "").replace("\0", "").strip()[:LONGEST]
    try:
        country = parse_country(typed, "Country") if typed else reading_country([])
    except ValueProblem:
        return Checked()  # its own field says so
    places = places_of_postcode(session, country, postcode[:20])
    if not places:
        return Checked()
    others = ", ".join(places[1:])
    note = f"Other places with this postcode: {others}" if others else ""
    return Checked(note=note, fill_row={"place": places[0]})


def _holders(session: Session, row: Mapping[str, Any], known: int | None) -> list[Problem]:
    return collisions(session, [row], own_ids=[known]).get(0, [])


def _addresses(posted: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of addresses as they stand in the form, with the country as a code."""
    rows: dict[str, dict[str, Any]] = {}
    for name, value in posted.items():
        found = _ADDRESS_PART.fullmatch(name)
        if not found:
            continue
        row = rows.setdefault(found[1], {})
        if found[2] != "country":
            row[found[2]] = value
        elif value.strip():
            try:
                row["country"] = parse_country(value[:LONGEST], "Country")
            except ValueProblem:
                continue  # its own field says so
    return list(rows.values())


def _typed(posted: Mapping[str, str]) -> str:
    return posted.get("value", "").replace("\0", "").strip()[:LONGEST]


def _read(check: Check) -> Check:
    """Nothing typed is nothing to check, and what cannot be read is the answer."""

    def checked(session: Session, posted: Mapping[str, str], known: int | None) -> Checked:
        if not _typed(posted):
            return Checked()
        try:
            return check(session, posted, known)
        except ValueProblem as error:
            return Checked([Problem("", error.reason, error.hint)])

    return checked


CHECKS: Mapping[str, Check] = {
    "email": _read(_email),
    "mobile_phone": _read(_mobile_phone),
    "iban": _read(_iban),
    "vat_id": _read(_vat_id),
    "postcode": _read(_postcode),
}
