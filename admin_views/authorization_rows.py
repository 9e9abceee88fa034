"""The repeated rows of a form that state coverages, and those that state journal authorizations.

class PerpetualForm(KontorForm):
    authorizations = authorization_rows()

lookups = {"journals": JOURNALS}                                    # of the view
form_data: {"authorizations": authorization_data(session, customer.id)}
perform_update: replace_authorizations(
    session, customer.id, authorization_drafts(form.authorizations, customer.id), actor=actor
)
"""

from functools import partial
from typing import Any

from sqlalchemy.orm import Session
from wtforms import FieldList, FormField, HiddenField, SelectField

from admin_views.forms import (
    KontorForm,
    Longest,
    LookupField,
    ParsedField,
    Required,
    TextField,
    choices_of,
)
from admin_views.lookups import Lookup
from app.catalogue.coverage import Coverage, coverage_problems, parse_coverage_date
from app.catalogue.queries_journals import journal_label, journal_labels, search_journals
from app.core.errors import NotFound
from app.core.filters import identifier
from app.subscriptions.authorizations import NOT_THERE
from app.subscriptions.drafts import NOTE_LENGTH, NUMBER_LENGTH, AuthorizationDraft, parse_embargo
from app.subscriptions.merging import coverage_of
from app.subscriptions.models import Basis
from app.subscriptions.queries import authorizations_of

EMBARGO_HINT = "P6M hides the last six months; blank is none"
JOURNALS = Lookup(search_journals, journal_label, labels=journal_labels)


def date_field(label: str, description: str = "") -> ParsedField:
    """A field for a year, a month or a day."""
    return ParsedField(label, parse=partial(_coverage_date, label=label), description=description)


def _coverage_date(raw: str, label: str) -> Any:
    return parse_coverage_date(raw, label)


class CoverageRow(KontorForm):
    """A form that states a coverage, wherever its fields stand; it ends after it starts."""

    def validate(self, extra_validators: Any = None) -> bool:
        """The fields one by one, then the coverage they make together."""
        valid = super().validate(extra_validators)
        problems = coverage_problems(coverage_in(self))
        for problem in problems:
            # By its own name: inside a repeated row the field's whole name has the row's number.
            self[problem.field].errors = [*self[problem.field].errors, problem]
        return valid and not problems


def coverage_in(form: Any) -> Coverage:
    """The coverage that the fields of a row state."""
    return Coverage(
        form.coverage_from.data,
        form.coverage_to.data,
        form.first_volume.data,
        form.first_issue.data,
        form.last_volume.data,
        form.last_issue.data,
    )


def coverage_data(coverage: Coverage) -> dict[str, Any]:
    """A coverage as the fields of a row name it."""
    return {
        "coverage_from": coverage.start,
        "coverage_to": coverage.end,
        "first_volume": coverage.first_volume,
        "first_issue": coverage.first_issue,
        "last_volume": coverage.last_volume,
        "last_issue": coverage.last_issue,
    }


class RightFields(CoverageRow):
    """What a right says: its journal, and everything but whom it is granted to."""

    journal_id = LookupField("Journal", [Required()], lookup="journals")
    basis = SelectField("Basis", [Required()], choices=choices_of(Basis))
    coverage_from = date_field("Coverage from", "2010, 2010-03 or 2010-03-15; blank is open")
    coverage_to = date_field("Coverage to", "Blank is open")
    first_volume = TextField("First volume", [Longest(NUMBER_LENGTH)])
    first_issue = TextField("First issue", [Longest(NUMBER_LENGTH)])
    last_volume = TextField("Last volume", [Longest(NUMBER_LENGTH)])
    last_issue = TextField("Last issue", [Longest(NUMBER_LENGTH)])
    embargo = ParsedField("Embargo", parse=parse_embargo, description=EMBARGO_HINT)
    note = TextField("Note", [Longest(NOTE_LENGTH)])


class AuthorizationRow(RightFields):
    """One journal authorization."""

    id = HiddenField()


def authorization_rows() -> FieldList:
    """Any number of journal authorizations, each added by a button."""
    return FieldList(
        FormField(AuthorizationRow),
        label="Journal authorizations",
        render_kw={"add": "Add journal authorization", "row": "Journal authorization"},
    )


def authorization_data(session: Session, customer_id: int) -> list[dict[str, Any]]:
    """A customer's authorizations as the rows of the form."""
    return [
        {
            "id": row.id,
            "journal_id": row.journal_id,
            "basis": row.basis,
            "embargo": row.embargo,
            "note": row.note,
            **coverage_data(coverage_of(row)),
        }
        for row in authorizations_of(session, customer_id)
    ]


def authorization_drafts(rows: Any, customer_id: int) -> list[AuthorizationDraft]:
    """What the rows of a valid form say."""
    return [
        AuthorizationDraft(
            customer_id=customer_id,
            journal_id=row.journal_id.data,
            basis=Basis(row.basis.data),
            coverage=coverage_in(row),
            note=row.note.data,
            embargo=row.embargo.data,
            id=_stored_id(row["id"].data),  # row.id is the row's own name on the page
        )
        for row in rows
    ]


def _stored_id(raw: str | None) -> int | None:
    """The number of a stored authorization; None for a new row. Raises NotFound for neither."""
    try:
        return identifier(raw) if raw else None
    except ValueError:
        raise NotFound(NOT_THERE) from None
