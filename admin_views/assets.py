"""Addresses: of the panel's own files, which change with the file, and of pages that may be."""

import hashlib
import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from flask import current_app, g, request, url_for
from werkzeug.routing import BuildError


@cache
def _mark(path: str, changed_ns: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


def asset(name: str) -> str:
    """The address of a file below app/static, worked out once for a page."""
    known: dict[str, str] = g.setdefault("assets", {})
    if name not in known:
        path = f"{current_app.static_folder}/{name}"
        changed = os.stat(path).st_mtime_ns
        known[name] = _address(name, path, changed, request.root_path)
    return known[name]


@lru_cache(maxsize=1000)  # the address of a file is the same as long as the file is
def _address(name: str, path: str, changed_ns: int, _root: str) -> str:
    return url_for("static", filename=name, v=_mark(path, changed_ns))


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
