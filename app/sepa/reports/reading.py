"""Reads a report of any kind from end to end, before anything of it is worked in."""

from typing import BinaryIO

from app.sepa.reports.camt import AccountReader
from app.sepa.reports.message import Head, Variant
from app.sepa.reports.models import ReportKind
from app.sepa.reports.opening import recognise
from app.sepa.reports.pain002 import StatusReader
from app.sepa.reports.spool import Spool
from app.sepa.reports.stream import Stream, schema_of


def examine(source: BinaryIO, zone: str, spool: Spool) -> Head:
    """Read a report from end to end, keep its items, and tell what it is.

    Raises Refused where it is broken. One that breaks the ISO schema and can be read all the same
    is told of, not refused.
    """
    variant = recognise(source)
    reader = _reader(source, variant, zone)
    reader.head.start = spool.keep(reader.items())
    schema = schema_of(str(variant))
    if schema is not None:
        reader.head.schema_problem = Stream(source, variant).schema_problem(schema)
    return reader.head


def _reader(source: BinaryIO, variant: Variant, zone: str) -> StatusReader | AccountReader:
    kind = StatusReader if variant.kind is ReportKind.STATUS else AccountReader
    return kind(Stream(source, variant), Head(variant), zone)
