"""The kinds of import, by the name of their workbook."""

from app.transfer.imports.kinds.base import ImportKind
from app.transfer.imports.kinds.customers import BusinessKind, IndividualKind
from app.transfer.imports.kinds.exported import ExportedKind
from app.transfer.imports.kinds.invoices import InvoiceKind
from app.transfer.imports.kinds.journals import JournalKind
from app.transfer.imports.kinds.perpetual import PerpetualKind
from app.transfer.imports.kinds.products import ProductKind

KINDS: dict[str, ImportKind] = {
    kind.name: kind
    for kind in (
        IndividualKind(),
        BusinessKind(),
        PerpetualKind(),
        ExportedKind(),
        JournalKind(),
        InvoiceKind(),
        ProductKind(),
    )
}
