"""What lists and the search of a million customers need: facets, orders, whole words.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
INDEXES = {
    "ix_customers_number": ["number", "id"],
    "ix_customers_created": ["created_at", "id"],
    "ix_customers_changed": ["changed_at", "id"],
    "ix_customers_facets": [
        "kind", "source", "payment_method", "group_id", "price_level_id", "store_id",
        "dedicated_operator_id", "rebate", "locked", "restricted", "favourite", "newsletter",
        "active", "created_at", "changed_at", "sort_name", "deleted_at",
    ],
}
OF_CUSTOMER = ["customer_id", "country", "postcode", "place_key"]
# Rewriting a million texts one by one through trigger or index takes far longer than building anew.
UPDATE_TRIGGER = """CREATE TRIGGER customer_search_update AFTER UPDATE OF search_text ON customers
    WHEN old.search_text <> new.search_text BEGIN
        INSERT INTO customer_search(customer_search, rowid, search_text)
        VALUES ('delete', old.id, old.search_text);
        INSERT INTO customer_search(rowid, search_text) VALUES (new.id, new.search_text);
    END"""


def rewrite(statement: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER customer_search_update")
        op.execute(statement)
        op.execute("INSERT INTO customer_search(customer_search) VALUES ('rebuild')")
        op.execute(UPDATE_TRIGGER)
    else:
        op.execute("DROP INDEX ix_customers_search")
        op.execute(statement)
        op.execute(
            "CREATE INDEX ix_customers_search ON customers USING gin (search_text gin_trgm_ops)"
        )


def upgrade() -> None:
    # A blank at both ends lets the trigrams tell whole words.
    rewrite("UPDATE customers SET search_text = ' ' || search_text || ' '")
    for name, columns in INDEXES.items():
        op.create_index(name, "customers", columns, sqlite_where=LIVE, postgresql_where=LIVE)
    op.create_index("ix_addresses_of_customer", "addresses", OF_CUSTOMER)
    op.drop_index("ix_addresses_customer_id", "addresses")


def downgrade() -> None:
    op.create_index("ix_addresses_customer_id", "addresses", ["customer_id"])
    op.drop_index("ix_addresses_of_customer", "addresses")
    rewrite("UPDATE customers SET search_text = trim(search_text)")
    for name in INDEXES:
        op.drop_index(name, "customers")
