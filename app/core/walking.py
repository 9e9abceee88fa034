"""Walks through all rows that conditions find, by their key, a portion at a time.

Without statistics SQLite takes the index of any column that is compared for equality, and sorts
what it finds by the key: for each portion anew, all that is left. Walking means the other way
round: along the key, judging each row once.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import replacement_traverse


def along_key(statement: Select[Any], table: Table) -> Select[Any]:
    """The statement's keys in their order, found without any index of the table but that."""
    (key,) = table.primary_key

    def unindexed(element: Any, **_: Any) -> Any:
        own = isinstance(element, ColumnClause) and element.table is not None
        if own and element.table.is_derived_from(table) and element.table.name == table.name:
            return None if element.name == key.name else _Unindexed(element)
        return None

    found = select(key).select_from(*statement.get_final_froms()).order_by(key)
    where = statement.whereclause
    return found if where is None else found.where(replacement_traverse(where, {}, unindexed))


class _Unindexed(FunctionElement[Any]):
    """A column as it is, of which SQLite must not use the index."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.type = column.type
        super().__init__(column)


@compiles(_Unindexed)
def _plain(element: _Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(next(iter(element.clauses)), **kw)


@compiles(_Unindexed, "sqlite")
def _with_plus(element: _Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(next(iter(element.clauses)), **kw)}"
