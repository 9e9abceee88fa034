"""Money: Decimal euros in code, whole cents in the database."""

from decimal import Decimal

from sqlalchemy import BigInteger
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator

CENT = Decimal("0.01")


class Cents(TypeDecorator[Decimal]):
    """An amount in euros, stored as whole cents. SQL may only sum and compare it.

    Raises ValueError for a fraction of a cent, which no bank can move.
    """

    impl = BigInteger
    cache_ok = True
    python_type = Decimal

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        cents = Decimal(value) * 100
        if cents != cents.to_integral_value():
            raise ValueError(f"{value} is not a whole number of cents")
        return int(cents)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else (Decimal(int(value)) / 100).quantize(CENT)


def format_amount(amount: Decimal) -> str:
    """An amount as people read it: 142,035.84."""
    return f"{amount:,.2f}"
