"""Taking back finished jobs: units of the undo journal, which job took back which, what was left.

Revision ID: 0005
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "undo_entries", sa.Column("unit", sa.String(120), nullable=False, server_default="")
    )
    # Notes of before are units of their own: a row that was touched twice is then left alone.
    op.execute("UPDATE undo_entries SET unit = table_name || ':old:' || id")
    op.create_index("ix_undo_entries_job_id_unit", "undo_entries", ["job_id", "unit"])
    op.create_table(
        "job_undos",
        sa.Column("job_id", BIG_ID, nullable=False),
        sa.Column("undo_job_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_undos_job_id_jobs"),
        sa.ForeignKeyConstraint(["undo_job_id"], ["jobs.id"], name="fk_job_undos_undo_job_id_jobs"),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_undos"),
        sa.UniqueConstraint("undo_job_id", name="uq_job_undos_undo_job_id"),
    )
    op.create_table(
        "job_leftovers",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("job_id", BIG_ID, nullable=False),
        sa.Column("entity", sa.String(60), nullable=False),
        sa.Column("entity_id", BIG_ID, nullable=True),
        sa.Column("label", sa.String(120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_leftovers_job_id_jobs"),
        sa.PrimaryKeyConstraint("id", name="pk_job_leftovers"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_leftovers_job_id_id", "job_leftovers", ["job_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_job_leftovers_job_id_id", "job_leftovers")
    op.drop_table("job_leftovers")
    op.drop_table("job_undos")
    op.drop_index("ix_undo_entries_job_id_unit", "undo_entries")
    op.drop_column("undo_entries", "unit")
