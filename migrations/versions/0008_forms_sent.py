"""Forms that have made a record, so that the same one sent twice makes one.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "submitted_forms",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column(
            "record_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_submitted_forms")),
    )
    with op.batch_alter_table("submitted_forms", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_submitted_forms_created_at"), ["created_at"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("submitted_forms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submitted_forms_created_at"))
    op.drop_table("submitted_forms")
