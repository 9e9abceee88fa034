"""What a list of a million subscriptions needs: one narrow index of all that its filters ask.

Revision ID: 0013
Revises: 0009
"""

from alembic import op

revision = "0013"
down_revision = "0009"
branch_labels = None
depends_on = None

FACETS = [
    "source", "status", "volume_only", "journal_id", "customer_id", "term_to", "first_day",
    "last_day",
]  # fmt: skip


def upgrade() -> None:
    op.create_index("ix_subscriptions_facets", "subscriptions", FACETS)


def downgrade() -> None:
    op.drop_index("ix_subscriptions_facets", "subscriptions")
