"""What a million subscriptions need: one narrow index of all that filters ask, one of merged rows.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

DAYS = ["first_day", "last_day", "volume_only", "customer_id"]
MERGED = sa.text("source = 'perpetual'")
FACETS = [
    "source", "status", "volume_only", "journal_id", "customer_id", "term_to", "first_day",
    "last_day",
]  # fmt: skip


def upgrade() -> None:
    op.create_index("ix_subscriptions_facets", "subscriptions", FACETS)
    op.create_index("ix_subscriptions_days", "subscriptions", DAYS)
    op.create_index(
        "ix_subscriptions_merged", "subscriptions", ["customer_id", "journal_id"],
        sqlite_where=MERGED, postgresql_where=MERGED,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_subscriptions_merged", "subscriptions")
    op.drop_index("ix_subscriptions_days", "subscriptions")
    op.drop_index("ix_subscriptions_facets", "subscriptions")
