"""Views of lists that operators keep under a name.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "saved_views",
        sa.Column("id", key, nullable=False),
        sa.Column("operator_id", key, nullable=False),
        sa.Column("list_name", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_saved_views_named")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_saved_views_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_saved_views_name",
        "saved_views",
        ["operator_id", "list_name", sa.text("lower(name)")],
        unique=True,
    )
    op.create_index(
        "ix_saved_views_shared",
        "saved_views",
        ["list_name"],
        sqlite_where=sa.text("shared"),
        postgresql_where=sa.text("shared"),
    )


def downgrade() -> None:
    op.drop_table("saved_views")
