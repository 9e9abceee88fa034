"""Addresses: of the panel's own files, which change with the file, and of pages that may be."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import current_app, g, url_for
from werkzeug.routing import BuildError


@cache
def _mark(path: Path, changed_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a file below app/static, worked out once for a page."""
    known: dict[str, str] = g.setdefault("assets", {})
    if name not in known:
        path = Path(current_app.static_folder or "") / name
        known[name] = url_for("static", filename=name, v=_mark(path, path.stat().st_mtime_ns))
    return known[name]


def page_address(endpoint: str) -> str:
    """The address of a page that needs nothing more, worked out once for a page of rows."""
    known: dict[str, str] = g.setdefault("pages", {})
    if endpoint not in known:
        known[endpoint] = url_for(endpoint)
    return known[endpoint]


def address_of(endpoint: str, **arguments: Any) -> str:
    """The address of a page, or nothing where no feature offers it."""
    try:
        return url_for(endpoint, **arguments)
    except BuildError:
        return ""
