"""Reading a report as a stream of elements, hardened: what a file could do to us, it cannot."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from lxml import etree

from app.core.errors import Refused
from app.core.money import CENT
from app.sepa.reports.message import Variant
from app.sepa.reports.opening import refuse_doctype

SCHEMAS = Path(__file__).parent.parent / "schemas"
# No transaction of a bank is as long as this. What is read and not let go of yet is never more.
MOST_HELD = 8 * 1024 * 1024
DEEPEST = 40
_MOST_NAMES = 500
_AMOUNT = re.compile(r"\d{1,13}(?:\.\d{1,5})?")
# What is let go of while a file is compared with its schema.
_LET_GO = ("TxDtls", "Ntry", "TxInfAndSts", "OrgnlPmtInfAndSts")
_AGAIN = "Download it from the bank once more"


class _Counted:
    """A file that counts how much was read of it since something was let go of."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.held = 0
        self.at_end = False

    def read(self, size: int = -1) -> bytes:
        """Some more bytes. Raises Refused where they have become too many."""
        if self.held > MOST_HELD:
            raise Refused.because("A single entry of the file is larger than 8 MB", hint=_AGAIN)
        piece = self._source.read(min(size, 65_536) if size > 0 else 65_536)
        self.held += len(piece)
        self.at_end = not piece
        return piece


class Stream:
    """The elements of one report with the tags asked for, each when it begins and when it ends."""

    def __init__(self, source: BinaryIO, variant: Variant) -> None:
        source.seek(0)
        self._file = _Counted(source)
        self._prefix = f"{{{variant.namespace}}}"
        # The names of elements by the path they stand at: reports have the same few all over.
        self._names: dict[str, dict[Any, str]] = {}

    def elements(self, *tags: str) -> Iterator[tuple[str, str, etree._Element]]:
        """("start" or "end", the plain tag, the element) in the order of the file.

        Raises Refused for a file that is broken.
        """
        cut = len(self._prefix)
        try:
            for event, element in self._parsed(("start", "end"), ("Document", *tags), None):
                if event == "start" and element.getparent() is None:
                    refuse_doctype(element)
                yield event, str(element.tag)[cut:], element
        except etree.XMLSyntaxError as error:
            raise _broken(error, at_end=self._file.at_end) from error

    def schema_problem(self, schema: etree.XMLSchema) -> str | None:
        """Where a file that was read through already breaks the schema, or None.

        Only of one that was read through: with a schema, lxml passes over an end that is missing.
        """
        try:
            for _, element in self._parsed(("end",), _LET_GO, schema):
                self.forget(element)
        except etree.XMLSyntaxError as error:
            return f"line {error.lineno}: {_short(error.msg)}"
        return None

    def _parsed(
        self, events: Sequence[str], tags: Sequence[str], schema: etree.XMLSchema | None
    ) -> Iterator[tuple[str, etree._Element]]:
        parsed: Any = etree.iterparse(
            self._file, events=events, tag=[self._prefix + tag for tag in tags], schema=schema,
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        )  # fmt: skip
        return iter(parsed)

    def forget(self, element: etree._Element) -> None:
        """Let go of an element that was read, and of what stands before it."""
        element.clear()
        parent = element.getparent()
        if parent is not None:
            while (before := element.getprevious()) is not None:
                parent.remove(before)
        self._file.held = 0

    def child_text(self, element: etree._Element, tag: str) -> str | None:
        """The text of one element right below another."""
        return element.findtext(self._prefix + tag)

    def values(self, element: etree._Element) -> "Values":
        """The texts below an element by their paths; what is of another namespace is left out."""
        found: dict[str, list[str]] = {}
        self._collect(element, "", found, 0)
        return Values(found)

    def _collect(
        self, element: etree._Element, path: str, found: dict[str, list[str]], depth: int
    ) -> None:
        if depth > DEEPEST:
            raise Refused.because(
                "The file is nested deeper than any report of a bank", hint=_AGAIN
            )
        names = self._names.setdefault(path, {}) if len(self._names) < _MOST_NAMES else {}
        for child in element:
            tag = child.tag
            name = names.get(tag)
            if name is None:
                name = self._name(path, tag)
                if len(names) < _MOST_NAMES:
                    names[tag] = name
            if not name:
                continue
            if len(child):
                found.setdefault(name, [])
                self._collect(child, f"{name}/", found, depth + 1)
            text = child.text
            if text is None or not (text := text.strip()):
                continue
            if name in found:
                found[name].append(text)
            else:
                found[name] = [text]
            if name.endswith("Amt"):
                currency = child.get("Ccy")
                if currency:
                    found.setdefault(f"{name}@", []).append(currency)

    def _name(self, path: str, tag: Any) -> str:
        """The path of an element; empty for comments, and for what is of another namespace."""
        if type(tag) is not str or not tag.startswith(self._prefix):
            return ""
        return path + tag[len(self._prefix) :]


class Values:
    """The texts of an element by path, such as Refs/EndToEndId."""

    __slots__ = ("_found",)

    def __init__(self, found: dict[str, list[str]]) -> None:
        self._found = found

    def __contains__(self, path: str) -> bool:
        return path in self._found

    def all(self, *paths: str) -> list[str]:
        """Every text at the first of the paths that has any."""
        for path in paths:
            if self._found.get(path):
                return self._found[path]
        return []

    def text(self, *paths: str, most: int = 500) -> str | None:
        """The first text there is, cut to what its column holds; runs of blanks are one."""
        for path in paths:
            if texts := self._found.get(path):
                return " ".join(texts[0].split())[:most] or None
        return None

    def name(self, *paths: str) -> str | None:
        """An id; None for what banks write where there is none."""
        said = self.text(*paths)
        return (
            None if said is None or said.upper().startswith(("NOTPROVIDED", "NOTAVAIL")) else said
        )

    def joined(self, *paths: str, most: int = 500) -> str | None:
        """All the texts of a path as one."""
        said = " ".join(" ".join(self.all(*paths)).split())
        return said[:most] or None

    def amount(self, *paths: str) -> Decimal | None:
        """An amount in whole cents; None where there is none. Raises Refused for nonsense."""
        for path in paths:
            if texts := self._found.get(path):
                return amount_of(texts[0])
        return None

    def currency(self, *paths: str) -> str | None:
        """The currency of the first amount there is."""
        return self.text(*(f"{path}@" for path in paths), most=3)

    def day(self, *paths: str) -> date | None:
        """A day, from a date or a moment. Raises Refused for nonsense."""
        said = self.text(*paths)
        return None if said is None else day_of(said)


def amount_of(text: str) -> Decimal | None:
    """An amount as banks write it; None for parts of a cent, as only other currencies have."""
    if not _AMOUNT.fullmatch(text):
        raise Refused.because(f"“{text[:40]}” in the file is not an amount", hint=_AGAIN)
    amount = Decimal(text)
    return amount.quantize(CENT) if amount == amount.quantize(CENT) else None


def day_of(text: str) -> date:
    """The day of a date or moment, as the bank's own clock has it."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise Refused.because(f"“{text[:40]}” in the file is not a date", hint=_AGAIN) from error


def moment_of(text: str | None, zone: str) -> datetime | None:
    """A moment; one without an offset is of the company's zone. None where it is nonsense."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))


@lru_cache(maxsize=8)
def schema_of(name: str) -> etree.XMLSchema | None:
    """The ISO schema of a message, or None where we have none."""
    path = SCHEMAS / f"{name}.xsd"
    return etree.XMLSchema(etree.parse(str(path))) if path.exists() else None


def _broken(error: etree.XMLSyntaxError, *, at_end: bool) -> Refused:
    line, said = error.lineno or 0, (error.msg or "").lower()
    if "huge" in said or "excessive depth" in said or "too long" in said or "amplification" in said:
        return Refused.because(
            f"Line {line} of the file is longer or nested deeper than any report of a bank",
            hint=_AGAIN,
        )
    if at_end:
        return Refused.because(
            f"The file ends in the middle, at line {line}: it was cut off on its way", hint=_AGAIN
        )
    return Refused.because(f"The file is damaged at line {line}", hint=_AGAIN)


def _short(message: str | None) -> str:
    """What the schema says, without the namespaces."""
    return re.sub(r"\{urn:[^}]*\}", "", message or "")[:200]
