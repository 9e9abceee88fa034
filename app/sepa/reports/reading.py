"""Reads a report of any kind: once to know that it can be read whole, once to work it in."""

from collections.abc import Iterator
from typing import BinaryIO

from app.sepa.reports.camt import AccountReader
from app.sepa.reports.message import Head, Item, Variant
from app.sepa.reports.models import ReportKind
from app.sepa.reports.opening import recognise
from app.sepa.reports.pain002 import StatusReader
from app.sepa.reports.stream import NotValid, Stream


def examine(source: BinaryIO, zone: str) -> Head:
    """Read a report from end to end and tell what it is. Raises Refused where it is broken.

    One that breaks the ISO schema and can be read all the same is told of, not refused.
    """
    variant = recognise(source)
    try:
        return _read_through(source, variant, zone, with_schema=True)
    except NotValid as problem:
        head = _read_through(source, variant, zone, with_schema=False)
        head.schema_problem = str(problem)
        return head


def items_of(source: BinaryIO, variant: Variant, zone: str) -> Iterator[Item]:
    """The items of a report that was examined before."""
    return _reader(source, variant, zone, with_schema=False).items()


def _read_through(source: BinaryIO, variant: Variant, zone: str, *, with_schema: bool) -> Head:
    reader = _reader(source, variant, zone, with_schema=with_schema)
    for _ in reader.items():
        pass
    return reader.head


def _reader(
    source: BinaryIO, variant: Variant, zone: str, *, with_schema: bool
) -> StatusReader | AccountReader:
    stream = Stream(source, variant, with_schema=with_schema)
    kind = StatusReader if variant.kind is ReportKind.STATUS else AccountReader
    return kind(stream, Head(variant), zone)
