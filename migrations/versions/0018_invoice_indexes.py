"""Invoices by the million: an index that judges what many agree in, and one of their collections.

Revision ID: 0018
Revises: 0017
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

FACETS = ["state", "due_on", "issued_on", "amount", "customer_id"]


def upgrade() -> None:
    op.create_index("ix_invoices_facets", "invoices", FACETS)
    op.create_index("ix_collections_invoice_id", "collections", ["invoice_id", "state"])


def downgrade() -> None:
    op.drop_index("ix_collections_invoice_id", "collections")
    op.drop_index("ix_invoices_facets", "invoices")
