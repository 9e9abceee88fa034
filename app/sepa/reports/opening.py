"""What an uploaded file is: one report, or a ZIP of several; and what it is not, in a sentence."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast

from app.core.errors import Refused
from app.core.storage import CHUNK, safe_name
from app.sepa.reports.message import Variant
from app.sepa.reports.models import ReportKind

VARIANTS = {
    one.namespace: one
    for one in (
        Variant(ReportKind.STATUS, "001.03"),
        Variant(ReportKind.STATUS, "001.10"),
        Variant(ReportKind.STATEMENT, "001.02"),
        Variant(ReportKind.STATEMENT, "001.08"),
        Variant(ReportKind.NOTIFICATION, "001.02"),
        Variant(ReportKind.NOTIFICATION, "001.08"),
    )
}
MOST_REPORTS = 500
_MESSAGE = re.compile(r"xsd:\$?([a-z]{4}\.\d{3})\.(\d{3}\.\d{2,3})$")
_READABLE = (
    "Kontor reads pain.002 (001.03, 001.10), camt.053 and camt.054 (001.02, 001.08), as XML or "
    "several in a ZIP"
)
_MAGIC = (
    (b"%PDF", "This is a PDF, not a report in XML"),
    (b"\x1f\x8b", "This file is packed with gzip"),
    (b"7z\xbc\xaf", "This file is packed with 7-Zip"),
    (b":20:", "This is a statement in the old format MT940"),
    (b"{1:", "This is a SWIFT message in the old format MT940"),
)


def is_archive(source: BinaryIO) -> bool:
    """Tell whether a file is a ZIP."""
    source.seek(0)
    magic = source.read(4)
    source.seek(0)
    return magic in (b"PK\x03\x04", b"PK\x05\x06")


def recognise(source: BinaryIO) -> Variant:
    """Which report a file holds, by its first element. Raises Refused for any other file."""
    from lxml import etree

    source.seek(0)
    start = source.read(1024)
    if not start.strip():
        raise Refused.because("The file is empty", hint="Download it from the bank once more")
    for magic, said in _MAGIC:
        if start.lstrip().startswith(magic):
            raise Refused.because(said, hint=_READABLE)
    source.seek(0)
    try:
        for _, element in etree.iterparse(
            source, events=("start",), resolve_entities=False, no_network=True, load_dtd=False
        ):
            refuse_doctype(element)
            return _variant(etree.QName(element))
    except etree.XMLSyntaxError as error:
        raise Refused.because("The file is not XML, or is damaged", hint=_READABLE) from error
    finally:
        source.seek(0)
    raise Refused.because("The file is not XML, or is damaged", hint=_READABLE)


def refuse_doctype(root: "object") -> None:
    """Raise Refused for a file with a DOCTYPE, by which it could define entities."""
    info = root.getroottree().docinfo  # type: ignore[attr-defined]
    if info.doctype or info.internalDTD is not None:
        raise Refused.because(
            "The file declares a document type, which no bank's report does",
            hint="Download it from the bank once more",
        )


def _variant(root: "object") -> Variant:
    namespace: str = root.namespace or ""  # type: ignore[attr-defined]
    known = VARIANTS.get(namespace)
    if known is not None and root.localname == "Document":  # type: ignore[attr-defined]
        return known
    found = _MESSAGE.search(namespace)
    if found is None:
        raise Refused.because(
            "The file is XML, but no report of a bank: it does not begin like one", hint=_READABLE
        )
    name, version = found.groups()
    if name in {"pain.008", "pain.001"}:
        raise Refused.because(
            f"This is a {name}.{version}: a file that goes to the bank, not its answer",
            hint=_READABLE,
        )
    if name in set(ReportKind):
        raise Refused.because(
            f"This is a {name} in version {version}, which Kontor does not read",
            hint=f"Ask the bank for another version. {_READABLE}",
        )
    raise Refused.because(f"This is a {name}.{version}", hint=_READABLE)


def reports_in(source: BinaryIO, name: str, most_bytes: int) -> Iterator[tuple[str, BinaryIO]]:
    """The report itself, or those of a ZIP, one after the other: its name and the open file.

    Each is closed when the next is asked for. `most_bytes` is the most that a file of a ZIP may
    unpack to. Raises Refused for a ZIP that holds something else, or too much.
    """
    if not is_archive(source):
        yield name, source
        return
    try:
        with zipfile.ZipFile(source) as archive:
            members = _members(archive)
            for member in members:
                with _unpacked(archive, member, most_bytes) as file:
                    yield safe_name(member.filename), file
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise Refused.because(
            "The ZIP is damaged, or packed in a way that cannot be read",
            hint="Download it from the bank once more",
        ) from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [
        one
        for one in archive.infolist()
        if not one.is_dir() and not one.filename.startswith("__MACOSX/")
    ]
    if not members:
        raise Refused.because("The ZIP is empty", hint=_READABLE)
    if len(members) > MOST_REPORTS:
        raise Refused.because(f"The ZIP holds more than {MOST_REPORTS} files", hint="Split it")
    for one in members:
        if one.flag_bits & 1:
            raise Refused.because("The ZIP is locked with a password", hint="Unpack it first")
        if not one.filename.lower().endswith(".xml"):
            raise Refused.because(
                f"The ZIP holds {safe_name(one.filename)}, which is no XML file", hint=_READABLE
            )
    return members


@contextmanager
def _unpacked(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, most_bytes: int
) -> Iterator[BinaryIO]:
    """One file of a ZIP; its real size is counted, whatever the ZIP says of it."""
    size = 0
    with TemporaryFile() as file, archive.open(member) as content:
        while piece := content.read(CHUNK):
            size += len(piece)
            if size > most_bytes:
                raise Refused.because(
                    f"{safe_name(member.filename)} in the ZIP unpacks to more than"
                    f" {most_bytes // (1024 * 1024):,} MB"
                )
            file.write(piece)
        file.seek(0)
        yield cast(BinaryIO, cast(IO[bytes], file))
