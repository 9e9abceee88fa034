"""One default creditor account, held by the database: two people may choose one at once.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NAME = "uq_creditor_accounts_is_default"


def upgrade() -> None:
    # Of several, the one that was made first stays.
    op.execute(
        "UPDATE creditor_accounts SET is_default = false WHERE is_default AND id > "
        "(SELECT min(id) FROM creditor_accounts WHERE is_default)"
    )
    op.create_index(
        NAME,
        "creditor_accounts",
        ["is_default"],
        unique=True,
        sqlite_where=sa.text("is_default"),
        postgresql_where=sa.text("is_default"),
    )


def downgrade() -> None:
    op.drop_index(NAME, "creditor_accounts")
