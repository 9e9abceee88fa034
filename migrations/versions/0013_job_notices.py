"""Notices in the panel that a job has ended, until whoever asked for it has seen them.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "job_notices",
        sa.Column("job_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("operator_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_notices_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operators.id"],
            name=op.f("fk_job_notices_operator_id_operators"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_notices")),
    )
    op.create_index("ix_job_notices_operator_id", "job_notices", ["operator_id", "job_id"])


def downgrade() -> None:
    op.drop_table("job_notices")
