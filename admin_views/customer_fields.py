"""The fields and repeated rows that the forms of customers share, read by app.core.values."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from flask import current_app
from wtforms import BooleanField, HiddenField, SelectField, TextAreaField

from admin_views.formatters import masked, spaced
from admin_views.forms import (
    KontorForm,
    Longest,
    LookupField,
    ParsedField,
    TextField,
    choices_of,
)
from app.core.countries import country_name
from app.core.errors import Problem
from app.core.filters import identifier
from app.core.text import clean, clean_lines
from app.core.values import (
    ValueProblem,
    parse_bic,
    parse_country,
    parse_date,
    parse_email,
    parse_iban,
    parse_phone,
    parse_vat_id,
    parse_whole_number,
    show_phone,
)
from app.customers.choices import AddressKind
from app.customers.rules import FIELD_LABELS, LONGEST_MEMO, address_problems

MASK = "•"
COUNTRIES = "countries"  # the list of suggestions that the page carries once


def line(label: str, limit: int, *validators: Any, **kwargs: Any) -> TextField:
    """A line of text without control characters and needless blanks."""
    return TextField(label, [*validators, Longest(limit)], filters=(clean,), **kwargs)


def text(name: str, limit: int, *validators: Any, **kwargs: Any) -> TextField:
    """A line of text with the label that history and imports use."""
    return line(FIELD_LABELS[name], limit, *validators, **kwargs)


def parsed(name: str, parse: Callable[..., Any], **kwargs: Any) -> ParsedField:
    """A field read by one of the parsers that imports use too."""
    label = FIELD_LABELS[name]
    return ParsedField(label, parse=partial(parse, label=label), **kwargs)


def email_field() -> ParsedField:
    """The email address; whether it is free is asked when the field is left."""
    return parsed("email", parse_email, render_kw={"data-check": "email", "type": "email"})


def phone_field(name: str, **render: str) -> ParsedField:
    """A phone number in any spelling. The form reads it, because the address has the country."""
    return ParsedField(
        FIELD_LABELS[name],
        parse=str,
        display=show_phone,
        render_kw={"type": "tel", **render},
    )


def day_field(name: str, **kwargs: Any) -> ParsedField:
    """A day, written as people write it."""
    return parsed(name, parse_date, display=lambda day: f"{day:%d.%m.}{day.year:04}", **kwargs)


def number_field(name: str, most: int, *, least: int = 0, **kwargs: Any) -> ParsedField:
    """A whole number, from 0 unless another is the least."""
    return parsed(name, partial(parse_whole_number, minimum=least, maximum=most), **kwargs)


def vat_field() -> ParsedField:
    """The VAT ID; who has it already is told when the field is left."""
    return parsed(
        "vat_id",
        parse_vat_id,
        description="With its country, like DE136695976",
        render_kw={"data-check": "vat_id"},
    )


def bic_field() -> ParsedField:
    """The BIC, filled in from the IBAN where the bank is known."""
    return parsed("bic", parse_bic, description="Filled in from the IBAN where the bank is known")


def iban_field() -> ParsedField:
    """The IBAN. Whoever may not see it gets it masked; left as it is, it stays (see `shut`)."""
    return ParsedField(
        FIELD_LABELS["iban"],
        parse=partial(parse_iban, label=FIELD_LABELS["iban"]),
        display=lambda iban: iban if MASK in iban else spaced(iban) or "",
        render_kw={"data-check": "iban"},
    )


def shut(field: ParsedField, stored: str | None) -> None:
    """Let an IBAN field take its own mask for "unchanged"; another mask is no IBAN."""
    mask, label = masked(stored), FIELD_LABELS["iban"]

    def parse(raw: str) -> str:
        if raw == mask:
            return raw
        if MASK in raw:
            raise ValueProblem(
                f"{label} is shown masked", "Leave it as it was, or write the new one in full"
            )
        return parse_iban(raw, label)

    field.parse = parse
    if stored:
        field.description = "Masked; leave it as it is, or write a new one in full"


class Counted(Longest):
    """At most so many characters, counted while typing: too many are refused, never cut."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        # A browser would cut what is pasted at this mark.
        self.field_flags = {}


def memo_field() -> TextAreaField:
    """The memo."""
    return TextAreaField(
        FIELD_LABELS["memo"],
        [Counted(LONGEST_MEMO)],
        filters=(clean_lines,),
        render_kw={"data-count": str(LONGEST_MEMO)},
    )


class AddressRow(KontorForm):
    """One address of any number."""

    id = HiddenField()
    kind = SelectField("Kind", choices=choices_of(AddressKind), default=AddressKind.MAIN.value)
    label = line("Label", 80, description="Such as Reception or Branch office")
    street = line("Street/No.", 200)
    line_2 = line("Line 2", 200)
    care_of = line("c/o", 120)
    po_box = line("PO box", 40)
    postcode = line(
        "Postcode", 20, render_kw={"data-check": "postcode", "data-check-with": ".country"}
    )
    place = line("Place", 120)
    state = line("State", 80)
    country = ParsedField(
        "Country",
        parse=partial(parse_country, label="Country"),
        display=country_name,
        render_kw={"list": COUNTRIES},
    )
    is_default = BooleanField("Default of its kind")

    def validate(self, extra_validators: Any = None) -> bool:
        """The fields one by one; a stored address that was emptied is to be removed instead."""
        valid = super().validate(extra_validators)
        found = address_problems(values_of(self)) if self.id.data and valid else []
        for problem in found:
            self[problem.field].errors = [*self[problem.field].errors, problem]
        return valid and not found


class CompanyRow(KontorForm):
    """One company that a person belongs to or orders for."""

    id = HiddenField()
    company_id = LookupField(
        "Company", lookup="companies", description="A business or perpetual customer"
    )
    company_name = line("Or a company that is no customer", 200, description="Just by its name")
    role = line("Role there", 80, description="Such as buyer or librarian")

    def validate(self, extra_validators: Any = None) -> bool:
        """The fields one by one; something has to name the company."""
        valid = super().validate(extra_validators)
        if valid and (self.id.data or self.role.data) and not _named(self):
            problem = Problem("company_id", "Company is missing", "Choose one, or remove the row")
            self.company_id.errors = [*self.company_id.errors, problem]
            return False
        return valid


def values_of(row: Any) -> dict[str, Any]:
    """What a row of a valid form says, as the operations take it."""
    fields = getattr(row, "form", row)._fields
    found = {name: field.data for name, field in fields.items()}
    raw = found.pop("id")
    try:
        return found | ({"id": identifier(str(raw))} if raw else {})
    except ValueError:  # no page has sent this: a new row, like the id of another's row
        return found


def filled_addresses(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The addresses that rows state; new ones in which nothing stands are none."""
    found = [values_of(row) for row in rows]
    return [one for one in found if one.get("id") or not address_problems(one)]


def filled_companies(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """The companies that rows state; a chosen customer's own name is not copied."""
    found = [values_of(row) for row in rows if _named(row)]
    return [one | {"company_name": None} if one["company_id"] else one for one in found]


def _named(row: Any) -> bool:
    return bool(row.company_id.data or row.company_name.data)


def reading_country(addresses: Iterable[Any]) -> str:
    """The country in which phone numbers without one are read, as a code.

    It is that of the main address, marked ones first, else of any; without one, the
    installation's. `addresses` are mappings with kind, country and is_default.
    """
    known = [one for one in addresses if one.get("country")]
    known.sort(key=lambda one: (one.get("kind") != AddressKind.MAIN, not one.get("is_default")))
    return str(known[0]["country"] if known else current_app.config["SETTINGS"].country)


def read_phone(field: ParsedField, country: str) -> bool:
    """Read a phone field in place; tell whether it could be read."""
    if not field.data:
        return True
    try:
        field.data = parse_phone(field.data, field.label.text, country)
    except ValueProblem as error:
        problem = Problem(field.short_name, error.reason, error.hint)
        field.errors = [*field.errors, problem]
        return False
    return True
