"""Indexes of answers that few customers have, and of the method of payment, for pairs of filters.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

RARE = {
    "ix_customers_restricted": "restricted",
    "ix_customers_favourite": "favourite",
    "ix_customers_inactive": "NOT active",
}


def upgrade() -> None:
    for name, condition in RARE.items():
        where = sa.text(condition)
        op.create_index(name, "customers", ["id"], sqlite_where=where, postgresql_where=where)
    op.create_index("ix_customers_payment_method", "customers", ["payment_method", "id"])


def downgrade() -> None:
    op.drop_index("ix_customers_payment_method", "customers")
    for name in RARE:
        op.drop_index(name, "customers")
