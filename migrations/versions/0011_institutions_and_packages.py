"""What publishers keep of institutions: contact, consortia, IP ranges; and packages of journals.

IP ranges of live customers never share an address. PostgreSQL holds that by an exclusion
constraint, SQLite by triggers; in both a trigger frees the addresses of a deleted customer.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String(33).with_variant(sa.String(33, collation="C"), "postgresql")
LIVE = sa.text("live")

# Live ranges are disjoint, so the last that begins before the end of a new one is the only one
# that it can meet: a step in the index instead of a walk through it.
MEETS = """EXISTS (SELECT 1 FROM (
        SELECT last_key FROM ip_ranges WHERE live AND first_key <= NEW.last_key AND id <> {own}
        ORDER BY first_key DESC LIMIT 1
    ) AS nearest WHERE nearest.last_key >= NEW.first_key)"""
CHANGED = "(OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)"
FOLLOW = "UPDATE ip_ranges SET live = (NEW.deleted_at IS NULL) WHERE customer_id = NEW.id"
SQLITE = (
    f"""CREATE TRIGGER ip_ranges_insert BEFORE INSERT ON ip_ranges WHEN NEW.live BEGIN
        SELECT RAISE(ABORT, 'ip_ranges_apart') WHERE {MEETS.format(own="0")};
    END""",
    f"""CREATE TRIGGER ip_ranges_update BEFORE UPDATE ON ip_ranges WHEN NEW.live BEGIN
        SELECT RAISE(ABORT, 'ip_ranges_apart') WHERE {MEETS.format(own="OLD.id")};
    END""",
    f"""CREATE TRIGGER ip_ranges_customer AFTER UPDATE OF deleted_at ON customers
    WHEN {CHANGED} BEGIN {FOLLOW}; END""",
)
POSTGRESQL = (
    'CREATE TYPE ip_key_range AS RANGE (subtype = text, collation = "C")',
    """ALTER TABLE ip_ranges ADD CONSTRAINT ip_ranges_apart
    EXCLUDE USING gist (ip_key_range(first_key, last_key, '[]') WITH &&) WHERE (live)""",
    f"""CREATE FUNCTION ip_ranges_follow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN {FOLLOW}; RETURN NULL; END $$""",
    f"""CREATE TRIGGER ip_ranges_customer AFTER UPDATE OF deleted_at ON customers
    FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION ip_ranges_follow()""",
)


def upgrade() -> None:
    op.create_table(
        "consortia",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_consortia"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_consortia_name", "consortia", [sa.text("lower(name)")], unique=True)
    op.create_table(
        "consortium_members",
        sa.Column("id", BIG_ID, nullable=False),
        _customer("consortium_members"),
        _reference("consortium_members", "consortium_id", "consortia"),
        sa.PrimaryKeyConstraint("id", name="pk_consortium_members"),
        sa.UniqueConstraint(
            "customer_id", "consortium_id",
            name="uq_consortium_members_customer_id_consortium_id",
        ),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index(
        "ix_consortium_members_consortium_id",
        "consortium_members",
        ["consortium_id", "customer_id"],
    )
    op.create_table(
        "library_contacts",
        sa.Column("id", BIG_ID, nullable=False),
        _customer("library_contacts"),
        sa.Column("name", sa.String(120)),
        sa.Column("role", sa.String(80)),
        sa.Column("email", sa.String(254)),
        sa.Column("phone", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_library_contacts"),
        sa.UniqueConstraint("customer_id", name="uq_library_contacts_customer_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ip_ranges",
        sa.Column("id", BIG_ID, nullable=False),
        _customer("ip_ranges"),
        sa.Column("first_key", KEY, nullable=False),
        sa.Column("last_key", KEY, nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ip_ranges"),
        sa.CheckConstraint("first_key <= last_key", name="ck_ip_ranges_order"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_ip_ranges_first_key", "ip_ranges", ["first_key"],
        sqlite_where=LIVE, postgresql_where=LIVE,
    )  # fmt: skip
    op.create_index("ix_ip_ranges_customer_id", "ip_ranges", ["customer_id"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "journal_packages",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_packages"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_journal_packages_name", "journal_packages", [sa.text("lower(name)")], unique=True
    )
    op.create_table(
        "journal_package_journals",
        sa.Column("package_id", BIG_ID, nullable=False),
        sa.Column("journal_id", BIG_ID, nullable=False),
        sa.PrimaryKeyConstraint("package_id", "journal_id", name="pk_journal_package_journals"),
        sa.ForeignKeyConstraint(
            ["package_id"], ["journal_packages.id"], ondelete="CASCADE",
            name="fk_journal_package_journals_package_id_journal_packages",
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["journals.id"], ondelete="CASCADE",
            name="fk_journal_package_journals_journal_id_journals",
        ),
    )  # fmt: skip
    op.create_index(
        "ix_journal_package_journals_journal_id", "journal_package_journals", ["journal_id"]
    )


def _customer(table: str) -> sa.Column[int]:
    return _reference(table, "customer_id", "customers", ondelete="CASCADE")


def _reference(table: str, name: str, target: str, ondelete: str | None = None) -> sa.Column[int]:
    key = sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{name}_{target}", ondelete=ondelete)
    return sa.Column(name, BIG_ID, key, nullable=False)


def downgrade() -> None:
    op.drop_table("journal_package_journals")
    op.drop_table("journal_packages")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER ip_ranges_customer")
        op.drop_table("ip_ranges")
    else:
        op.execute("DROP TRIGGER ip_ranges_customer ON customers")
        op.execute("DROP FUNCTION ip_ranges_follow")
        op.drop_table("ip_ranges")
        op.execute("DROP TYPE ip_key_range")
    op.drop_table("library_contacts")
    op.drop_table("consortium_members")
    op.drop_table("consortia")
