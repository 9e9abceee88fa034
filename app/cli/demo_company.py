"""The demo company: one log-in for each role, and customers, rights and invoices to look at."""

from sqlalchemy import func, select

from app.accounts.models import Operator
from app.accounts.operations import create_operator
from app.core.actor import COMMAND_LINE
from app.core.permissions import RoleName
from app.customers.models import Customer
from app.extensions import db, transaction

PASSWORD = "kontor-demo"  # noqa: S105 - printed at every start, and refused in production
NAMES = {
    RoleName.OPERATIONS: "Olga Operations",
    RoleName.ACCOUNTING: "Ari Accounting",
    RoleName.MANAGER: "Mara Manager",
    RoleName.ADMINISTRATOR: "Ada Administrator",
}
LOGINS = [(role.value, f"{role.value}@demo.example", PASSWORD) for role in RoleName]


def is_empty() -> bool:
    """Tell whether there are neither customers nor operators yet."""
    session = db.session()
    return not any(
        session.scalar(select(func.count()).select_from(model)) for model in (Customer, Operator)
    )


def seed_company() -> dict[str, int]:
    """Make the operators and the company's data; how many of each."""
    with transaction() as session:
        for role, email, password in LOGINS:
            create_operator(
                session, email=email, password=password, roles=[role],
                name=NAMES[RoleName(role)], demo=True, actor=COMMAND_LINE,
            )  # fmt: skip
    return {"operators": len(LOGINS)}
