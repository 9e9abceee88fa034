"""Imports open invoices; each names a customer of the system."""

from typing import ClassVar

from app.transfer.imports.kinds.base import (
    RowKind,
)


class InvoiceKind(RowKind):
    """Each row is an open invoice."""

    name: ClassVar[str] = "invoices"
