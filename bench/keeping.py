"""Keeps what the parts have found, as files of JSON, so that a later run can go on from there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.timing import Row

Found = Mapping[str, Any]


def keep(path: Path, found: Found) -> None:
    """Write what was found, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    fresh.replace(path)


def kept(path: Path) -> Found:
    """What `keep` wrote; nothing where it has not written yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def rows_of(found: Mapping[str, Found], part: str) -> dict[str, Row]:
    """The rows of a part by their keys; none where it was not measured."""
    return {one["key"]: Row.from_json(one) for one in found[part].get("rows", ())}
