"""Creditor accounts: what they must be, and the one default."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import Refused
from app.sepa.models import CreditorAccount
from app.sepa.queries import account_by_label
from tests.sepa import making


def test_the_first_account_is_the_default_until_another_takes_its_place(session: Session) -> None:
    first = making.account(session)
    second = making.account(session)
    assert (first.is_default, second.is_default) == (True, False)
    third = making.account(session, is_default=True)
    session.expire_all()
    defaults = session.scalars(select(CreditorAccount).where(CreditorAccount.is_default)).all()
    assert list(defaults) == [third]
    assert account_by_label(session) == third
    assert account_by_label(session, second.label.upper()) == second
    with pytest.raises(Refused, match="no active creditor account Nowhere"):
        account_by_label(session, "Nowhere")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"label": " "}, "label"),
        ({"name": "Müller GmbH"}, "name"),
        ({"name": "***"}, "name"),
        ({"creditor_identifier": "DE00ZZZ09999999999"}, "creditor_identifier"),
        ({"iban": ""}, "iban"),
        ({"iban": "DE88370400440532013000"}, "iban"),
        ({"bic": "nonsense"}, "bic"),
        ({"max_transactions": 0}, "max_transactions"),
        ({"max_amount": Decimal("0.00")}, "max_amount"),
        ({"is_default": True, "active": False}, "active"),
    ],
)
def test_a_wrong_account_is_refused_at_its_field(
    session: Session, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        making.account(session, **given)
    assert [one.field for one in refused.value.problems] == [field]


def test_a_label_is_unique_whatever_its_case(session: Session) -> None:
    making.account(session, label="Main")
    with pytest.raises(Refused, match="with this label already"):
        making.account(session, label="MAIN")
