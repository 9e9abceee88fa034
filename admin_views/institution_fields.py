"""The part of an institution's form and record that publishers keep: contact, consortia, IPs."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session
from wtforms import SelectMultipleField, TextAreaField

from admin_views.customer_fields import line
from admin_views.forms import Group, ParsedField
from admin_views.records import Section
from app.core.values import ValueProblem, parse_email, parse_phone, show_phone
from app.institutions.drafts import InstitutionDraft
from app.institutions.queries import all_consortia, consortium_names, institution_of
from app.institutions.rules import Range, in_lines, read_ranges

LABELS = {"ip_ranges": "IP ranges"}
NAMES = (
    *("library_contact_name", "library_contact_role", "library_contact_email"),
    *("library_contact_phone", "consortium_ids", "ip_ranges"),
)
INSTITUTION = Group(
    "Library",
    NAMES,
    "Whom to talk to there, and from which addresses its readers come",
    wide=("consortium_ids", "ip_ranges"),
)


def contact_name() -> Any:
    """The person."""
    return line("Library contact", 120)


def contact_role() -> Any:
    """What they do there."""
    return line("Role", 80, description="Such as Head of e-resources")


def contact_email() -> ParsedField:
    """Their address; many contacts may share one."""
    return ParsedField("Contact email", parse=partial(parse_email, label="Contact email"))


def contact_phone() -> ParsedField:
    """Their number, read in the installation's country where it names none."""
    return ParsedField("Contact phone", parse=_phone, display=show_phone)


def _phone(raw: str) -> str:
    return parse_phone(raw, "Contact phone", current_app.config["SETTINGS"].country)


def consortia_field() -> SelectMultipleField:
    """The consortia that the institution is a member of."""
    return SelectMultipleField("Consortia", coerce=int, validate_choice=True)


class RangesField(TextAreaField):
    """IP ranges, one on each line. What was typed stays, also when it is wrong."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return in_lines(self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data: list[Range] = []
            try:
                self.data = read_ranges(valuelist[0].replace("\0", "")[:100_000])
            except ValueProblem as error:
                raise ValueError(f"{error.reason}. {error.hint}") from error


def ranges_field() -> RangesField:
    """The addresses that the institution reads from."""
    return RangesField(
        "IP ranges",
        description="One on each line: 192.0.2.7, 192.0.2.0/24 or 192.0.2.10 - 192.0.2.20; "
        "IPv6 likewise",
        render_kw={"rows": 4, "spellcheck": "false"},
    )


def set_consortia(form: Any, session: Session) -> None:
    """Offer the consortia there are; none is no choice."""
    if "consortium_ids" in form:
        form.consortium_ids.choices = all_consortia(session)
        if not form.consortium_ids.choices:
            form.consortium_ids.description = "None yet; add them in Subscriptions, Consortia"


def institution_data(session: Session, customer_id: int) -> Mapping[str, Any]:
    """What is stored, as the fields name it."""
    stored = institution_of(session, customer_id)
    return {
        "library_contact_name": stored.contact_name,
        "library_contact_role": stored.contact_role,
        "library_contact_email": stored.contact_email,
        "library_contact_phone": stored.contact_phone,
        "consortium_ids": sorted(stored.consortium_ids),
        "ip_ranges": stored.ip_ranges,
    }


def institution_draft(form: Any) -> InstitutionDraft:
    """What a valid form says."""
    return InstitutionDraft(
        form.library_contact_name.data or None,
        form.library_contact_role.data or None,
        form.library_contact_email.data or None,
        form.library_contact_phone.data or None,
        frozenset(form.consortium_ids.data or ()),
        form.ip_ranges.data or [],
    )


def institution_sections(session: Session, customer_id: int) -> list[Section]:
    """What a record shows of it."""
    stored = institution_of(session, customer_id)
    names = consortium_names(session, stored.consortium_ids)
    phone = stored.contact_phone
    lines = [
        ("Contact", stored.contact_name),
        ("Role", stored.contact_role),
        ("Contact email", stored.contact_email),
        ("Contact phone", show_phone(phone) if phone else None),
        ("Consortia", sorted(names.values())),
        ("IP ranges", [str(one) for one in stored.ip_ranges]),
    ]
    shown = [(label, value) for label, value in lines if value]
    return [Section("Library", shown)] if shown else []
