"""Previews of runs that are worked out in the background, and what they are found by.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_COLLECTION = sa.text("state = 'in collection'")


def upgrade() -> None:
    op.create_table(
        "run_previews",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("creditor_account_id", BIG_ID, nullable=False),
        sa.Column("collection_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.Column("account_version", sa.Integer(), nullable=False),
        sa.Column("after_entry", BIG_ID, nullable=False),
        sa.Column("totals", sa.JSON()),
        sa.Column("job_id", BIG_ID),
        sa.Column("creating_job_id", BIG_ID),
        sa.Column("run_id", BIG_ID),
        sa.CheckConstraint("state IN ('working', 'done', 'failed')", name="ck_run_previews_state"),
        sa.ForeignKeyConstraint(
            ["creditor_account_id"],
            ["creditor_accounts.id"],
            name="fk_run_previews_creditor_account_id_creditor_accounts",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["collection_runs.id"], name="fk_run_previews_run_id_collection_runs"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_run_previews"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_run_previews_asked", "run_previews", ["creditor_account_id", "collection_date", "id"]
    )
    op.create_table(
        "run_preview_lines",
        sa.Column("preview_id", BIG_ID, nullable=False),
        sa.Column("section", sa.String(24), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("invoice_id", BIG_ID, nullable=False),
        sa.Column("mandate_id", BIG_ID),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("mark", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["preview_id"],
            ["run_previews.id"],
            name="fk_run_preview_lines_preview_id_run_previews",
        ),
        sa.PrimaryKeyConstraint("preview_id", "section", "place", name="pk_run_preview_lines"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_invoices_in_collection",
        "invoices",
        ["due_on", "customer_id"],
        sqlite_where=IN_COLLECTION,
        postgresql_where=IN_COLLECTION,
    )


def downgrade() -> None:
    op.drop_index("ix_invoices_in_collection", "invoices")
    op.drop_table("run_preview_lines")
    op.drop_table("run_previews")
