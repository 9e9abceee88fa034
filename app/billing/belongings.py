"""What the merge of two customers moves of this room: their invoices."""

from app.billing.models import Invoice
from app.customers.belongings import plain, register_belonging


def register() -> None:
    """Let invoices move with their customer."""
    register_belonging(plain("invoices", "invoice", "invoices", Invoice.__table__))
