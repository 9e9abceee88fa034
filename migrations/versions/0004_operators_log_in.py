"""Two-factor log-in of operators, and the sessions in which they are logged in.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # One statement for each column, without copying the table: rows elsewhere point to it.
    for column in (
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.Text(), nullable=True),
        sa.Column("tf_last_counter", sa.BigInteger(), nullable=True),
        sa.Column("tf_set_up_at", sa.DateTime(), nullable=True),
        sa.Column("mf_recovery_codes", sa.JSON(), nullable=True),
    ):
        op.add_column("operators", column)
    op.create_table(
        "operator_sessions",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("operator_id", BIG_ID, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=255), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("ended_by_label", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operators.id"],
            name=op.f("fk_operator_sessions_operator_id_operators"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_sessions")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_operator_sessions_key_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_operator_sessions_operator_id_created_at"),
        "operator_sessions",
        ["operator_id", "created_at"],
    )
    op.create_index(
        op.f("ix_operator_sessions_created_at"), "operator_sessions", ["created_at"]
    )


def downgrade() -> None:
    op.drop_table("operator_sessions")
    for name in (
        "mf_recovery_codes",
        "tf_set_up_at",
        "tf_last_counter",
        "tf_totp_secret",
        "tf_primary_method",
    ):
        op.drop_column("operators", name)
