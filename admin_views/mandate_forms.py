"""The forms about mandates: a new one, its correction, its amendment, and the signed document."""

from functools import partial
from typing import Any

from wtforms import FileField, SelectField

from admin_views.customer_fields import MASK
from admin_views.formatters import day, masked, spaced
from admin_views.forms import (
    Group,
    KontorForm,
    Longest,
    LookupField,
    ParsedField,
    Required,
    TextField,
    choices_of,
)
from app.core.values import ValueProblem, parse_bic, parse_date, parse_iban
from app.sepa.characters import MAX_ID
from app.sepa.mandate_documents import ACCEPTED
from app.sepa.models import MandateType, Scheme


def _date(label: str, description: str) -> ParsedField:
    return ParsedField(
        label, parse=partial(parse_date, label=label), display=day, description=description
    )


def _iban() -> ParsedField:
    return ParsedField(
        "IBAN", [Required()], parse=partial(parse_iban, label="IBAN"),
        display=lambda iban: iban if MASK in iban else spaced(iban) or "",
    )  # fmt: skip


def _bic() -> ParsedField:
    return ParsedField(
        "BIC", parse=partial(parse_bic, label="BIC"),
        description="Blank: taken from the IBAN where its bank is known",
    )  # fmt: skip


class MandateForm(KontorForm):
    """A mandate; its customer stays as it is."""

    groups = (
        Group("Mandate", ("reference", "customer_id", "type", "scheme")),
        Group("Account", ("iban", "bic", "account_holder")),
        Group("Signature", ("signed_on", "bank_registered_on")),
    )

    reference = TextField(
        "Mandate reference", [Required(), Longest(MAX_ID)],
        description="As the customer signs it; each mandate has its own",
    )  # fmt: skip
    type = SelectField(
        "Type", choices=choices_of(MandateType), description="One-off serves a single collection"
    )
    scheme = SelectField(
        "Scheme", choices=[(one.value, one.value) for one in Scheme],
        description="B2B: the customer's bank has to be told of the mandate beforehand",
    )  # fmt: skip
    iban = _iban()
    bic = _bic()
    account_holder = TextField("Account holder", [Required(), Longest(140)])
    signed_on = _date("Signed on", "Blank: the mandate stays a draft and collects nothing")
    bank_registered_on = _date(
        "Registered with the bank on", "B2B only: when the customer's bank confirmed it"
    )


class NewMandateForm(MandateForm):
    """A new mandate of a customer."""

    customer_id = LookupField("Customer", [Required()], lookup="customers")


class AmendForm(KontorForm):
    """What a mandate says from now on; the bank is told with the next collection."""

    groups = (
        Group("Account", ("iban", "bic", "account_holder")),
        Group(
            "Reference", ("reference",), hint="Leave it as it is unless it really has to be new."
        ),
    )

    iban = _iban()
    bic = _bic()
    account_holder = TextField("Account holder", [Required(), Longest(140)])
    reference = TextField("Mandate reference", [Required(), Longest(MAX_ID)])


class SignForm(KontorForm):
    """When a mandate was signed, and what was signed."""

    groups = (Group("Signature", ("signed_on", "document")),)

    signed_on = ParsedField(
        "Signed on", [Required()], parse=partial(parse_date, label="Signed on"), display=day,
        description="The day beside the signature, like 31.12.2026; the mandate is active then",
    )  # fmt: skip
    document = FileField(
        "Signed document",
        description=f"{ACCEPTED}. It is kept as the proof of your right to collect",
        render_kw={"accept": ".pdf,.jpg,.jpeg,.png"},
    )


def take_masks(field: ParsedField, *known: str | None) -> None:
    """Let an IBAN field take the masks of IBANs that this person may not see for these IBANs."""
    ibans = [iban for iban in known if iban]

    def parse(raw: str) -> Any:
        found = next((iban for iban in ibans if masked(iban) == raw), None)
        if found is None and MASK in raw:
            raise ValueProblem(
                "IBAN is shown masked", "Leave it as it was, or write another one in full"
            )
        return found or parse_iban(raw, "IBAN")

    field.parse = parse
    field.description = "Masked; leave it as it is, or write another one in full"
