"""Rows inserted in bulk stand in the table as if each had been inserted by itself."""

from datetime import UTC, date, datetime

from flask import Flask
from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.bulk import add_rows, insert_rows
from app.core.models import UndoEntry
from app.customers.models import Customer
from app.extensions import transaction

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123_000, UTC)


def stored(session: Session, table: Table) -> list[dict[str, object]]:
    session.rollback()
    rows = session.execute(select(table).order_by(table.c.id)).mappings()
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


def test_every_kind_of_value_is_stored_as_a_single_insert_stores_it(
    session: Session, app: Flask
) -> None:
    table: Table = AuditEntry.__table__  # type: ignore[assignment]
    shared = {"at": MOMENT, "actor_label": "x", "channel": "import", "action": "created",
              "entity": "customer", "entity_label": ""}  # fmt: skip
    rows = [
        shared | {"entity_id": 1, "changes": {"name": [None, "Zoë “x”"]}},
        shared | {"entity_id": None, "changes": None},
        shared | {"entity_id": 3, "changes": {}, "at": datetime(1999, 1, 1, tzinfo=UTC)},
    ]
    with transaction() as writing:
        add_rows(writing, table, rows)
    in_bulk = stored(session, table)
    with transaction() as writing:
        for row in rows:
            writing.execute(insert(table).values(row))
    assert stored(session, table) == in_bulk * 2


def test_ids_are_told_in_the_order_of_the_rows(session: Session, app: Flask) -> None:
    table: Table = UndoEntry.__table__  # type: ignore[assignment]
    rows = [
        {"job_id": 7, "unit": f"customers:{n}", "table_name": "customers", "row_key": [n],
         "before": {"day": date(2026, 1, n + 1).isoformat()} if n else None,
         "version_after": None, "created_at": MOMENT}
        for n in range(3)
    ]  # fmt: skip
    with transaction() as writing:
        ids = insert_rows(writing, table, rows)
    found = session.execute(select(table.c.id, table.c.row_key, table.c.before)).all()
    assert [(id_, key) for id_, key, _before in sorted(found)] == [
        (id_, [n]) for n, id_ in enumerate(ids)
    ]


def test_what_a_table_fills_in_by_itself_is_filled_in(session: Session, app: Flask) -> None:
    table: Table = Customer.__table__  # type: ignore[assignment]
    row = {"kind": "individual", "number": "9000001", "first_name": "Ada", "search_text": " ada ",
           "sort_name": "ada", "name_key": "ada", "created_at": MOMENT, "changed_at": MOMENT,
           "version": 1}  # fmt: skip
    with transaction() as writing:
        insert_rows(writing, table, [row])
    (found,) = stored(session, table)
    assert (found["newsletter"], found["active"], found["locked"]) == (True, True, False)
    assert found["source"] == "Telephone"
