"""On PostgreSQL, indexes of customers that answer a list's filters without reading the rows.

SQLite keeps each row's key in every index by itself; PostgreSQL has to be told.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")
FACETS = [
    "kind", "source", "payment_method", "group_id", "price_level_id", "store_id",
    "dedicated_operator_id", "rebate", "locked", "restricted", "favourite", "newsletter",
    "active", "created_at", "changed_at", "sort_name", "deleted_at",
]  # fmt: skip
# Name, columns, what else stands in it, whether it holds live customers alone, whether unique.
INDEXES = (
    ("ix_customers_facets", FACETS, "id", True, False),
    ("uq_customers_email_key", ["email_key"], "id", True, True),
    ("uq_customers_mobile_phone", ["mobile_phone"], "id", True, True),
    ("ix_customers_payment_method", ["payment_method", "id"], "deleted_at", False, False),
    ("ix_customers_group_id", ["group_id", "id"], "deleted_at", False, False),
    (
        "ix_customers_dedicated_operator_id",
        ["dedicated_operator_id", "id"],
        "deleted_at",
        False,
        False,
    ),
)


def upgrade() -> None:
    _build_anew(with_rest=True)


def downgrade() -> None:
    _build_anew(with_rest=False)


def _build_anew(*, with_rest: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for name, columns, rest, live, unique in INDEXES:
        op.drop_index(name, "customers")
        op.create_index(
            name,
            "customers",
            columns,
            unique=unique,
            postgresql_where=LIVE if live else None,
            postgresql_include=[rest] if with_rest else None,
        )
