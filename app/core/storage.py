"""The file store: bytes under keys of our own, in instance/files or an S3-compatible store."""

import hashlib
import io
import mimetypes
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotFound
from app.core.models import FileDownload, StoredFile
from app.core.text import clean

CHUNK = 1024 * 1024
# A key as `keep_bytes` makes it; with a number when the file is on its way into the folder.
_OUR_KEY = re.compile(r"[a-z0-9 _-]+/\d{4}/\d{2}/[0-9a-f]{32}(#\d+)?", re.IGNORECASE)


class Storage:
    """Where the bytes are. One for the process, opened by create_app."""

    def __init__(self) -> None:
        self._folder = Path()
        self._in_folder = True
        self._opened: Any = None

    def open(self, storage_url: str, instance: Path) -> None:
        """Use the store of the setting, or instance/files."""
        self._folder = instance / "files"
        self._in_folder = not storage_url
        self._opened = None
        if storage_url:
            # At once: an address that is no store must not go unnoticed until the first file.
            from obstore.store import from_url

            self._opened = from_url(storage_url)
        else:
            self._folder.mkdir(mode=0o700, exist_ok=True)

    @property
    def _store(self) -> Any:
        if self._opened is None:
            # Loaded with the first file: the library is large, and most commands keep none.
            from obstore.store import LocalStore

            self._opened = LocalStore(str(self._folder))
        return self._opened

    def put(self, key: str, content: BinaryIO) -> None:
        """Write the bytes under a new key, streaming."""
        # By itself it would hold twelve pieces of five megabytes, which is the least that S3 takes.
        pieces = {"chunk_size": CHUNK} if self._in_folder else {}
        self._store.put(key, content, max_concurrency=2, **pieces)

    def chunks(self, key: str) -> Iterator[bytes]:
        """The bytes under a key, piece by piece."""
        try:
            for piece in self._store.get(key).stream(min_chunk_size=CHUNK):
                yield bytes(piece)
        except FileNotFoundError as error:
            raise NotFound("The file is no longer kept") from error

    def remove(self, key: str) -> None:
        """Delete the bytes under a key; none there is fine."""
        if self._in_folder:
            # By hand: to the library, the name of a half-written file is none.
            (self._folder / key).unlink(missing_ok=True)
            return
        try:
            self._store.delete(key)
        except FileNotFoundError:
            return

    def keys_before(self, moment: datetime) -> Iterator[str]:
        """The keys of all bytes that were written before a moment, in no order.

        In a folder, what a killed process has written of a file is among them, under the name
        that it has until it is whole; an object store keeps nothing of it.
        """
        for key, written_at in self._listed():
            if _OUR_KEY.fullmatch(key) and written_at < moment:
                yield key

    def _listed(self) -> Iterator[tuple[str, datetime]]:
        if not self._in_folder:
            for some in self._store.list():
                yield from ((one["path"], one["last_modified"]) for one in some)
            return
        for path in self._folder.rglob("*"):
            if path.is_file():
                written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield path.relative_to(self._folder).as_posix(), written_at


storage = Storage()


@dataclass(frozen=True, slots=True)
class KeptBytes:
    """Bytes that are in the store already, and wait for the row that points to them."""

    key: str
    size: int
    sha256: str


def keep_bytes(content: bytes | BinaryIO, *, purpose: str) -> KeptBytes:
    """Write bytes that may be many, before the transaction that saves their file begins.

    On SQLite everybody else's save waits for whoever writes.
    """
    source: BinaryIO = io.BytesIO(content) if isinstance(content, bytes) else content
    source.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := source.read(CHUNK):
        digest.update(piece)
        size += len(piece)
    source.seek(0)
    key = f"{purpose}/{clock.now():%Y/%m}/{uuid.uuid4().hex}"
    storage.put(key, source)
    return KeptBytes(key, size, digest.hexdigest())


def save(
    session: Session,
    content: bytes | BinaryIO | KeptBytes,
    *,
    name: str,
    media_type: str | None = None,
    purpose: str,
    owner_id: int | None = None,
    days: int | None = None,
) -> StoredFile:
    """Keep a file. `name` is only shown and offered at download; `days` None keeps it for ever.

    The bytes are written first: a row never points to nothing, and bytes without a row are
    harmless.
    """
    kept = content if isinstance(content, KeptBytes) else keep_bytes(content, purpose=purpose)
    now = clock.now()
    shown = safe_name(name)
    stored = StoredFile(
        key=kept.key,
        name=shown,
        media_type=media_type or mimetypes.guess_type(shown)[0] or "application/octet-stream",
        size=kept.size,
        sha256=kept.sha256,
        purpose=purpose,
        owner_id=owner_id,
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    session.add(stored)
    session.flush()
    return stored


def safe_name(name: str) -> str:
    """The last part of a file name that somebody gave, without control characters or paths."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return (clean(last) or "file")[-200:]


def chunks(stored: StoredFile) -> Iterator[bytes]:
    """The bytes of a stored file, piece by piece. Raises NotFound when they are gone."""
    if stored.removed_at is not None:
        raise NotFound("The file is no longer kept")
    return storage.chunks(stored.key)


def read_bytes(stored: StoredFile) -> bytes:
    """All bytes of a stored file; for small ones. Raises NotFound when they are gone."""
    return b"".join(chunks(stored))


def copy_to(stored: StoredFile, target: BinaryIO) -> None:
    """Write the bytes of a stored file into an open one, for readers that must seek."""
    for piece in chunks(stored):
        target.write(piece)
    target.flush()
    target.seek(0)


def remove(stored: StoredFile) -> None:
    """Delete the bytes and keep the row as a receipt."""
    storage.remove(stored.key)
    stored.removed_at = clock.now()


def log_download(session: Session, stored: StoredFile, *, actor: Actor) -> None:
    """Note who downloads a file, before the first byte leaves."""
    session.add(
        FileDownload(
            file_id=stored.id,
            at=clock.now(),
            actor_label=actor.label,
            operator_id=actor.operator_id,
        )
    )
    session.flush()
