"""What the client search reads: trigrams, on SQLite by FTS5 and on PostgreSQL by pg_trgm.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQLITE = (
    # The text is folded already, so that the tokenizer need not fold it again.
    """CREATE VIRTUAL TABLE customer_search USING fts5(
        search_text, content='customers', content_rowid='id',
        tokenize='trigram case_sensitive 1')""",
    """CREATE TRIGGER customer_search_insert AFTER INSERT ON customers BEGIN
        INSERT INTO customer_search(rowid, search_text) VALUES (new.id, new.search_text);
    END""",
    """CREATE TRIGGER customer_search_delete AFTER DELETE ON customers BEGIN
        INSERT INTO customer_search(customer_search, rowid, search_text)
        VALUES ('delete', old.id, old.search_text);
    END""",
    """CREATE TRIGGER customer_search_update AFTER UPDATE OF search_text ON customers
    WHEN old.search_text <> new.search_text BEGIN
        INSERT INTO customer_search(customer_search, rowid, search_text)
        VALUES ('delete', old.id, old.search_text);
        INSERT INTO customer_search(rowid, search_text) VALUES (new.id, new.search_text);
    END""",
)
POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX ix_customers_search ON customers USING gin (search_text gin_trgm_ops)",
)


def upgrade() -> None:
    statements = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER customer_search_{name}")
        op.execute("DROP TABLE customer_search")
    else:
        op.execute("DROP INDEX ix_customers_search")
