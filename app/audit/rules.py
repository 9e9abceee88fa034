"""What a history entry says: the difference of two states, without secrets, IBANs masked."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import inspect

from app.core.database import Base

SKIPPED = {"id", "version"}
ABBREVIATIONS = {"bic", "iban", "id", "issn", "sms", "url", "vat"}


def mask_iban(iban: str | None) -> str | None:
    """An IBAN by its country and last four characters, as people without the right see it."""
    return None if iban is None else f"{iban[:2]}•• •••• {iban[-4:]}"


def snapshot(row: Base) -> dict[str, Any]:
    """The column values of a row, as `diff` compares them."""
    return {one.key: getattr(row, one.key) for one in inspect(type(row)).column_attrs}


def diff(
    model: type[Base], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """The changed fields as {field: [old, new]}, ready for JSON.

    A secret's change is told without either value; columns marked "skip" (derived ones,
    stamps) are left out. Keys that are no columns of the model are taken as they are.
    """
    treatment = _treatment(model)
    changes: dict[str, list[Any]] = {}
    for key in {**before, **after} if before else after:
        old, new = before.get(key) if before else None, after.get(key)
        if old == new or (_empty(old) and _empty(new)):
            continue
        how = treatment.get(key)
        if how == "skip":
            continue
        if how == "secret":
            changes[key] = [None, "changed"]
        elif how == "mask":
            changes[key] = [mask_iban(old), mask_iban(new)]
        else:
            changes[key] = [_plain(old), _plain(new)]
    return changes


def told_as_new(
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    usual: Mapping[str, Sequence[Any]] = MappingProxyType({}),
) -> list[dict[str, list[Any]]]:
    """What `diff` says of new rows of one shape, for all of them at once, column by column.

    A long write makes millions of values, of which most say nothing. `usual` are those of a
    column that need not be told.
    """
    treatment = _treatment(model)
    told: list[dict[str, list[Any]]] = [{} for _ in rows]
    for key in rows[0] if rows else ():
        how = treatment.get(key)
        if how == "skip":
            continue
        values = [row[key] for row in rows]
        if values.count(None) == len(values):
            continue
        untold = ["", [], *usual.get(key, ())]
        for changes, value in zip(told, values, strict=True):
            if value is None or value in untold:
                continue
            if how == "secret":
                changes[key] = [None, "changed"]
            elif how == "mask":
                changes[key] = [None, mask_iban(value)]
            else:
                changes[key] = [None, value if value.__class__ is str else _plain(value)]
    return told


def words(name: str) -> str:
    """A field's name as people say it: postal_code -> Postal code."""
    text = " ".join(
        part.upper() if part in ABBREVIATIONS else part
        for part in name.removesuffix("_id").replace("_", " ").split()
    )
    return text[:1].upper() + text[1:]


def old_and_new(change: Any) -> tuple[Any, Any]:
    """The two sides of what an entry tells of a field; what is no pair is all new."""
    if isinstance(change, list | tuple) and len(change) == 2:
        return change[0], change[1]
    return None, change


@cache
def _treatment(model: type[Base]) -> dict[str, str | None]:
    """How each column is told; asked for every row of a long write."""
    found = {one.key: one.columns[0].info.get("audit") for one in inspect(model).column_attrs}
    return found | dict.fromkeys(SKIPPED, "skip")


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):  # most are, and a long write asks for millions
        return value
    if isinstance(value, date | time):  # a moment is a date, too
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
