"""The outbox, and one-time links

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What the administrators of an installation that is there already may do from now on.
NEW_PERMISSIONS = {"outbox:view", "outbox:manage"}
ROLES = sa.table(
    "roles", sa.column("name", sa.String), sa.column("permissions", sa.JSON),
    sa.column("built_in", sa.Boolean), sa.column("version", sa.Integer),
)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "outbox_messages",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=500), nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by_label", sa.String(length=255), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("customer_id", BIG_ID, nullable=True),
        sa.Column("operator_id", BIG_ID, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'cancelled')",
            name=op.f("ck_outbox_messages_state"),
        ),
        sa.CheckConstraint(
            "secret IS NULL OR state IN ('waiting', 'sending')",
            name=op.f("ck_outbox_messages_secret_wiped"),
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_outbox_messages_sent_at")
        ),
        sa.CheckConstraint(
            "(state = 'sending') = (claimed_at IS NOT NULL)",
            name=op.f("ck_outbox_messages_claimed_at"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_messages_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_messages_due", "outbox_messages", ["state", "next_try_at", "id"])
    op.create_index("ix_outbox_messages_state", "outbox_messages", ["state", "id"])
    op.create_index("ix_outbox_messages_customer_id", "outbox_messages", ["customer_id", "id"])
    op.create_index("ix_outbox_messages_operator_id", "outbox_messages", ["operator_id", "id"])
    op.create_table(
        "one_time_links",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("subject_id", BIG_ID, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("sent_to", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("created_by_label", sa.String(length=255), nullable=False),
        sa.CheckConstraint(
            "expires_at > created_at", name=op.f("ck_one_time_links_expires_later")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_links_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_one_time_links_subject", "one_time_links", ["purpose", "subject_id"])
    set_permissions(lambda held: held | NEW_PERMISSIONS)


def set_permissions(change) -> None:
    administrator = sa.and_(ROLES.c.name == "administrator", ROLES.c.built_in)
    held = op.get_bind().scalar(sa.select(ROLES.c.permissions).where(administrator))
    if held is not None:
        values = {"permissions": sorted(change(set(held))), "version": ROLES.c.version + 1}
        op.execute(sa.update(ROLES).where(administrator).values(values))


def downgrade() -> None:
    set_permissions(lambda held: held - NEW_PERMISSIONS)
    op.drop_table("one_time_links")
    op.drop_table("outbox_messages")
