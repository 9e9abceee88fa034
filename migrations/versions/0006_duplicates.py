"""Pairs of customers that may be one, and where a merged customer went.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Said as SQL: the batch mode of SQLite would copy the largest table and lose its triggers.
POINTER = (
    "ALTER TABLE customers ADD COLUMN merged_into_id {type} "
    "CONSTRAINT fk_customers_merged_into_id_customers "
    "REFERENCES customers (id) ON DELETE SET NULL"
)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(POINTER.format(type="INTEGER" if sqlite else "BIGINT"))
    op.create_index(
        "ix_customers_merged_into_id",
        "customers",
        ["merged_into_id"],
        sqlite_where=sa.text("merged_into_id IS NOT NULL"),
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "duplicate_pairs",
        sa.Column("id", big, nullable=False),
        sa.Column("first_id", big, nullable=False),
        sa.Column("second_id", big, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("found_at", sa.DateTime(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("decided_by_label", sa.String(length=255), nullable=True),
        sa.Column("decided_by_id", big, nullable=True),
        sa.Column("decision_reason", sa.String(length=400), nullable=True),
        sa.Column("winner_id", big, nullable=True),
        sa.Column("job_id", big, nullable=True),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_duplicate_pairs_order")),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name=op.f("ck_duplicate_pairs_score")),
        sa.CheckConstraint(
            "state IN ('open', 'dismissed', 'merged')", name=op.f("ck_duplicate_pairs_state")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["operators.id"],
            name=op.f("fk_duplicate_pairs_decided_by_id_operators"),
        ),
        sa.ForeignKeyConstraint(
            ["first_id"], ["customers.id"],
            name=op.f("fk_duplicate_pairs_first_id_customers"), ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["customers.id"],
            name=op.f("fk_duplicate_pairs_second_id_customers"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pairs")),
        sa.UniqueConstraint(
            "first_id", "second_id", name=op.f("uq_duplicate_pairs_first_id_second_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_duplicate_pairs_state_score", "duplicate_pairs", ["state", "score", "id"]
    )
    op.create_index("ix_duplicate_pairs_score", "duplicate_pairs", ["score", "id"])
    op.create_index("ix_duplicate_pairs_second_id", "duplicate_pairs", ["second_id"])


def downgrade() -> None:
    op.drop_table("duplicate_pairs")
    op.drop_index("ix_customers_merged_into_id", "customers")
    # Said as SQL for the same reason.
    op.execute("ALTER TABLE customers DROP COLUMN merged_into_id")
