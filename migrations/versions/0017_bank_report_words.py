"""What a bank report says and why an entry could not be matched, in words of its own.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# What is told of a report besides its entries, and how far a reading has come.
REPORT = (
    sa.Column("items_done", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("finished_at", sa.DateTime()),
    sa.Column("remarks", sa.String(2000)),
)
ENTRY = (
    sa.Column("told", sa.String(10), nullable=False, server_default="other"),
    sa.Column("problem", sa.String(300)),
    sa.Column("transactions", sa.Integer()),
)


def upgrade() -> None:
    for table, columns in (("bank_reports", REPORT), ("bank_report_entries", ENTRY)):
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    for table, columns in (("bank_reports", REPORT), ("bank_report_entries", ENTRY)):
        for column in columns:
            op.drop_column(table, column.name)
