"""How mandates are told of when an import is taken back: together with their customer."""

from app.audit.taking_back import TableRecords
from app.core import taking_back
from app.sepa.models import Mandate


def register() -> None:
    """Make it known."""
    taking_back.register(Mandate.__tablename__, TableRecords(Mandate, "mandate", "reference"))
