"""A SQLite file with a copy of the customers for a peer, with the indexes its models would have.

The main address stands in the customer's own row: that spares the peers a join, or a query for
each row of the list.
"""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.timing import say

SCHEMA = """
CREATE TABLE groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name VARCHAR(32) NOT NULL
);
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number VARCHAR(20) NOT NULL UNIQUE,
    kind VARCHAR(10) NOT NULL,
    first_name VARCHAR(120),
    name VARCHAR(120),
    company_name VARCHAR(200),
    email VARCHAR(254) UNIQUE,
    phone VARCHAR(40),
    street VARCHAR(200),
    postcode VARCHAR(20),
    place VARCHAR(120),
    country VARCHAR(2),
    group_id INTEGER REFERENCES groups (id),
    source VARCHAR(10) NOT NULL,
    payment_method VARCHAR(20),
    locked BOOLEAN NOT NULL,
    newsletter BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    changed_at DATETIME NOT NULL
);
"""
COPY = (
    "INSERT INTO groups SELECT id, name FROM kontor.groups",
    """
INSERT INTO customers
SELECT c.id, c.number, c.kind, c.first_name, c.name, c.company_name, c.email,
       coalesce(c.mobile_phone, c.telephone_private, c.business_telephone),
       a.street, a.postcode, a.place, a.country,
       c.group_id, c.source, c.payment_method, c.locked, c.newsletter, c.created_at, c.changed_at
  FROM kontor.customers AS c
  LEFT JOIN kontor.addresses AS a
    ON a.customer_id = c.id AND a.kind = 'main' AND a.is_default
 WHERE c.deleted_at IS NULL
""",
    "CREATE INDEX customers_group_id ON customers (group_id)",
)


def copy_customers(kontor: Path, targets: Sequence[Path]) -> None:
    """Make the peers' files from Kontor's database, each unless it is there already."""
    missing = [target for target in targets if not target.exists()]
    for target in missing:
        say(f"{target.name}: the customers are copied")
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        if target is missing[0]:
            _copy(kontor, fresh)
        else:
            shutil.copyfile(missing[0], fresh)
        fresh.replace(target)


def _copy(kontor: Path, target: Path) -> None:
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("ATTACH ? AS kontor", (str(kontor),))
        connection.executescript(SCHEMA)
        for statement in COPY:
            connection.execute(statement)
        connection.commit()
        connection.execute("ANALYZE main")
        connection.commit()
