"""How invoices are named and told of when an import is taken back."""

from app.audit.taking_back import TableRecords
from app.billing.models import Invoice
from app.core import taking_back


def register() -> None:
    """Make it known."""
    taking_back.register(Invoice.__tablename__, TableRecords(Invoice, "invoice", "number"))
