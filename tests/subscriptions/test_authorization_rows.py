"""The rows of a customer's form that state journal authorizations."""

import pytest
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from admin_views.authorization_rows import (
    authorization_data,
    authorization_drafts,
    authorization_rows,
)
from admin_views.forms import KontorForm
from app.catalogue.coverage import Coverage
from app.core.actor import COMMAND_LINE
from app.core.errors import NotFound
from app.core.partial_date import PartialDate
from app.subscriptions.authorizations import replace_authorizations
from app.subscriptions.drafts import AuthorizationDraft
from app.subscriptions.models import Basis
from tests.subscriptions.records import grant, institution, journal, right


class CustomerForm(KontorForm):
    authorizations = authorization_rows()


def posted(*rows: dict[str, str]) -> CustomerForm:
    data = MultiDict(
        {
            f"authorizations-{number}-{name}": value
            for number, row in enumerate(rows)
            for name, value in ({"basis": "purchase"} | row).items()
        }
    )
    return CustomerForm(data)


def test_rows_become_authorizations_of_the_customer() -> None:
    form = posted(
        {"id": "7", "journal_id": "3", "coverage_from": "2010", "coverage_to": "15.03.2012"},
        {"journal_id": "4", "basis": "post-cancellation", "first_volume": "5", "note": "by mail"},
    )
    assert form.validate(), form.errors
    assert authorization_drafts(form.authorizations, 9) == [
        AuthorizationDraft(
            9, 3, Basis.PURCHASE, Coverage(PartialDate(2010), PartialDate(2012, 3, 15)), None, 7
        ),
        AuthorizationDraft(
            9, 4, Basis.POST_CANCELLATION, Coverage(first_volume="5"), "by mail", None
        ),
    ]


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        ({}, "journal_id", "Journal is missing"),
        (
            {"journal_id": "3", "basis": "gift"},
            "basis",
            "This is not, or no longer, among the choices",
        ),
        (
            {"journal_id": "3", "coverage_from": "2010", "coverage_to": "2008"},
            "coverage_from",
            "Coverage from is after coverage to",
        ),
        (
            {"journal_id": "3", "coverage_to": "2010-13"},
            "coverage_to",
            "Coverage to is not a year, a month or a day",
        ),
        (
            {"journal_id": "3", "first_volume": "9", "last_volume": "5"},
            "first_volume",
            "First volume is after last volume",
        ),
    ],
)
def test_what_is_wrong_with_a_row_is_told_at_its_field(
    row: dict[str, str], field: str, message: str
) -> None:
    form = posted({"journal_id": "3"}, row)
    assert not form.validate()
    faults = {key: reason for key, _, reason in form.faults()}
    assert list(faults) == [f"authorizations-1-{field}"]
    assert message in faults[f"authorizations-1-{field}"]


@pytest.mark.parametrize("forged", ["abc", "-1", "9" * 30, "²"])
def test_a_forged_number_of_an_authorization_is_none(forged: str) -> None:
    form = posted({"id": forged, "journal_id": "3"})
    with pytest.raises(NotFound):
        authorization_drafts(form.authorizations, 9)


def test_stored_rows_shown_and_sent_back_change_nothing(session: Session) -> None:
    library, acta = institution(session), journal(session)
    grant(
        session,
        right(library, acta, "2010", "2012-02-29", note="by mail"),
        right(library, acta, first_volume="5", first_issue="3-4"),
    )
    form = CustomerForm(data={"authorizations": authorization_data(session, library.id)})
    sent = {
        field.name: field._value() if hasattr(field, "_value") else str(field.data)
        for row in form.authorizations
        for field in row
    }
    again = CustomerForm(MultiDict(sent))
    assert again.validate(), again.errors
    drafts = authorization_drafts(again.authorizations, library.id)
    assert not replace_authorizations(session, library.id, drafts, actor=COMMAND_LINE)
