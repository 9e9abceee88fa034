"""A condition that a key is one of thousands, handed over as one value instead of thousands."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import NullType

# Up to so many, single values are quicker to write down and to plan.
FEW = 50


def one_of(
    key: ColumnElement[Any] | InstrumentedAttribute[Any], values: Sequence[Any]
) -> ColumnElement[bool]:
    """That `key`, a column of whole numbers or of texts, is one of the values."""
    return key.in_(values) if len(values) <= FEW else _OneOf(key, json.dumps(list(values)))


class _OneOf(FunctionElement[bool]):
    """That a column's value stands in a JSON list."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: on SQLite it would become (…) = 1, for which no index can be used."""
        return self

    def __init__(self, key: Any, listed: str) -> None:
        super().__init__(key, literal(listed, String))


@compiles(_OneOf, "sqlite")
def _by_json_each(element: _OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    key, listed = (compiler.process(part, **kw) for part in element.clauses)
    return f"({key} IN (SELECT value FROM json_each({listed})))"  # noqa: S608 - compiled parts


@compiles(_OneOf)
def _by_json_elements(element: _OneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, _ = element.clauses
    key, listed = (compiler.process(part, **kw) for part in element.clauses)
    # A cast names no collation; the column's own decides how the texts are compared.
    # What a function such as lower() makes of a text has no type of its own.
    bare = column.type
    if isinstance(bare, String | NullType):
        bare = String(getattr(bare, "length", None))
    kind = compiler.dialect.type_compiler_instance.process(bare)
    items = f"json_array_elements_text(CAST({listed} AS json))"
    return f"({key} IN (SELECT CAST(value AS {kind}) FROM {items}))"  # noqa: S608 - the same
