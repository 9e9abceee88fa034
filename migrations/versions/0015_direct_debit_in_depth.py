"""Direct debit in depth: bank reports, what became of each collection, notices, amendments.

Roles that could run direct debits keep every step, now that each has a permission of its own.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RETURNED = "state IN ('rejected', 'returned') AND worked_off_at"
TO_WORK_OFF, WORKED_OFF = sa.text(f"{RETURNED} IS NULL"), sa.text(f"{RETURNED} IS NOT NULL")
# With these the lists of returns are filtered, counted and summed from their indexes alone.
ASKED = ("state", "worked_off_at", "reason_code", "amount", "fee", "customer_id", "run_id")
COUNTS = (
    "entries", "accepted", "settled", "rejected", "returned", "known", "unmatched", "other",
)  # fmt: skip
STEPS = ("direct_debit:release", "direct_debit:hand_in", "bank_reports:import", "returns:edit")


def upgrade() -> None:
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_index(
        "ix_collections_to_work_off",
        "collections",
        ["ended_on", "id", *ASKED],
        sqlite_where=TO_WORK_OFF,
        postgresql_where=TO_WORK_OFF,
    )
    op.create_index(
        "ix_collections_worked_off",
        "collections",
        ["id", "ended_on", *ASKED],
        sqlite_where=WORKED_OFF,
        postgresql_where=WORKED_OFF,
    )
    _pre_notifications()
    _bank_reports()
    _report_entries()
    _grant()


def downgrade() -> None:
    for table in ("bank_report_entries", "bank_reports", "pre_notifications"):
        op.drop_table(table)
    op.drop_index("ix_collections_worked_off", "collections")
    op.drop_index("ix_collections_to_work_off", "collections")
    for table, columns in added().items():
        for column in columns:
            op.drop_column(table, column.name)


def added() -> dict[str, tuple[sa.Column, ...]]:
    """New columns of tables that there are."""
    return {
        "customers": (sa.Column("notice_days", sa.Integer()),),
        "creditor_accounts": (
            sa.Column("cutoff", sa.Time()),
            sa.Column("one_block_per_file", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("hybrid_addresses", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("street", sa.String(70)),
            sa.Column("postcode", sa.String(16)),
            sa.Column("place", sa.String(35)),
            sa.Column("country", sa.String(2)),
        ),
        "mandates": (
            sa.Column("iban_changed_at", sa.DateTime()),
            sa.Column("state_reason", sa.String(200)),
            sa.Column("state_code", sa.String(4)),
            sa.Column("bank_registered_on", sa.Date()),
        ),
        "collection_runs": (
            sa.Column("answered_at", sa.DateTime()),
            sa.Column("closed_at", sa.DateTime()),
        ),
        "collections": (
            sa.Column("settled_on", sa.Date()),
            sa.Column("ended_on", sa.Date()),
            sa.Column("reason_code", sa.String(35)),
            sa.Column("reason_text", sa.String(500)),
            sa.Column("fee", sa.BigInteger()),
            sa.Column("worked_off_at", sa.DateTime()),
            sa.Column("worked_off_by_label", sa.String(255)),
            sa.Column("worked_off_note", sa.String(500)),
        ),
        "run_files": (sa.Column("bank_status", sa.String(4)),),
    }


def _pre_notifications() -> None:
    op.create_table(
        "pre_notifications",
        sa.Column("id", BIG_ID, nullable=False),
        _key("run_id", "collection_runs.id", "fk_pre_notifications_run_id_collection_runs"),
        _key("customer_id", "customers.id", "fk_pre_notifications_customer_id_customers"),
        sa.Column("channel", sa.String(6), nullable=False),
        sa.Column("message_id", BIG_ID),
        sa.Column("collection_count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("channel IN ('email', 'letter')", name="ck_pre_notifications_channel"),
        sa.PrimaryKeyConstraint("id", name="pk_pre_notifications"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pre_notifications_run_id", "pre_notifications", ["run_id", "customer_id"])
    op.create_index(
        "ix_pre_notifications_customer_id", "pre_notifications", ["customer_id", "id"]
    )


def _bank_reports() -> None:
    op.create_table(
        "bank_reports",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("variant", sa.String(10), nullable=False),
        sa.Column("message_id", sa.String(35)),
        sa.Column("made_at", sa.DateTime()),
        sa.Column("sha256", sa.String(64), nullable=False),
        _key("file_id", "stored_files.id", "fk_bank_reports_file_id_stored_files", nullable=True),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        _key(
            "received_by_id", "operators.id", "fk_bank_reports_received_by_id_operators",
            nullable=True,
        ),
        sa.Column("received_by_label", sa.String(255), nullable=False),
        *[sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS],
        sa.CheckConstraint(
            "kind IN ('pain.002', 'camt.053', 'camt.054')", name="ck_bank_reports_kind"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bank_reports"),
        sa.UniqueConstraint("sha256", name="uq_bank_reports_sha256"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("ix_bank_reports_received_at", "bank_reports", ["received_at", "id"])


def _report_entries() -> None:
    op.create_table(
        "bank_report_entries",
        sa.Column("id", BIG_ID, nullable=False),
        _key("report_id", "bank_reports.id", "fk_bank_report_entries_report_id_bank_reports"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(30), nullable=False),
        _key(
            "collection_id", "collections.id",
            "fk_bank_report_entries_collection_id_collections", nullable=True,
        ),
        sa.Column("matched_by", sa.String(30)),
        sa.Column("end_to_end_id", sa.String(35)),
        sa.Column("message_id", sa.String(35)),
        sa.Column("block_id", sa.String(35)),
        sa.Column("mandate_reference", sa.String(35)),
        sa.Column("amount", sa.BigInteger()),
        sa.Column("currency", sa.String(3)),
        sa.Column("booked_on", sa.Date()),
        sa.Column("bank_reference", sa.String(70)),
        sa.Column("reason_code", sa.String(35)),
        sa.Column("reason_text", sa.String(500)),
        sa.Column("fee", sa.BigInteger()),
        sa.Column("party_name", sa.String(140)),
        sa.Column("party_iban", sa.String(34)),
        sa.Column("remittance_text", sa.String(500)),
        sa.Column("worked_off_at", sa.DateTime()),
        sa.Column("worked_off_by_label", sa.String(255)),
        sa.Column("worked_off_note", sa.String(500)),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'settled', 'rejected', 'returned', 'known before',"
            " 'unmatched', 'not a direct debit of ours')",
            name="ck_bank_report_entries_outcome",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bank_report_entries"),
        sa.UniqueConstraint("report_id", "position", name="uq_bank_report_entries_report_id_position"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index(
        "ix_bank_report_entries_collection_id", "bank_report_entries", ["collection_id", "id"]
    )
    op.create_index(
        "ix_bank_report_entries_outcome",
        "bank_report_entries",
        ["outcome", "worked_off_at", "id"],
    )


def _key(name: str, target: str, constraint: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, BIG_ID, sa.ForeignKey(target, name=constraint), nullable=nullable)


def _grant() -> None:
    """Split what one permission allowed before; who could see runs sees the bank's answers."""
    roles = sa.table("roles", sa.column("id"), sa.column("permissions", sa.JSON()))
    bind = op.get_bind()
    for id_, held in bind.execute(sa.select(roles.c.id, roles.c.permissions)).all():
        now = set(held)
        if "direct_debit:run" in now:
            now.update(STEPS)
        if "direct_debit:view" in now:
            now.add("bank_reports:view")
        if now != set(held):
            bind.execute(
                roles.update().where(roles.c.id == id_).values(permissions=sorted(now))
            )
