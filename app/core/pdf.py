"""Sets PDFs by typst: a template, values that it reads as data, and fonts of our own."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst
from anyascii import anyascii

ROOT = Path(__file__).resolve().parents[2]
FONTS = Path(__file__).parent / "fonts"
# The scripts that our font has. What stands in none of them is set from the machine's fonts.
_FOREIGN = re.compile(
    r"[^\u0000-\u052f\u0590-\u05ff\u0600-\u06ff\u0900-\u097f\u0e00-\u0e7f\u10a0-\u10ff\u1c90-\u1cbf"
    r"\u1e00-\u1fff\u2000-\u218f\u2190-\u21ff\u2200-\u22ff]+"
)
_MANY_SCRIPTS = re.compile(r"noto sans cjk|source han|wenquanyi|droid sans fallback|unifont", re.I)


def typeset(template: str, values: Mapping[str, Any], *, at: datetime, title: str) -> bytes:
    """The PDF that a template makes of values; the same values give the same bytes.

    The template reads them by `json(bytes(sys.inputs.values))`: as data, never as markup.
    """
    data = {**_legible(values), "pdf_title": title}
    fonts: list[Any] = [str(FONTS)]
    made: Any = typst.compile(
        template.encode(),
        font_paths=fonts,
        sys_inputs={"values": json.dumps(data, ensure_ascii=False, sort_keys=True)},
        pdf_standards="a-2b",
        timestamp=int(at.timestamp()),
    )
    return bytes(made)


def typeset_apart(template: str, values: Mapping[str, Any], *, at: datetime, title: str) -> bytes:
    """As `typeset`, in a process of its own: what long documents make it keep ends with it."""
    asked = {"template": template, "values": values, "at": at.isoformat(), "title": title}
    done = subprocess.run(
        [sys.executable, "-m", "app.core.pdf"], cwd=ROOT, check=True,
        input=json.dumps(asked).encode(), stdout=subprocess.PIPE,
    )  # fmt: skip
    return done.stdout


def _legible(value: Any) -> Any:
    """The values with what no font here could show in Latin letters."""
    if isinstance(value, str):
        if _many_scripts():
            return value
        return _FOREIGN.sub(lambda found: anyascii(found[0]), value)
    if isinstance(value, Mapping):
        return {key: _legible(one) for key, one in value.items()}
    return [_legible(one) for one in value] if isinstance(value, list | tuple) else value


@cache
def _many_scripts() -> bool:
    """Whether the machine has a font for the scripts that ours lacks."""
    families = typst.Fonts(include_system_fonts=True).families()
    return any(_MANY_SCRIPTS.search(str(name)) for name in families)


def _main() -> None:
    """Read what is to be set from standard input, and write the PDF to standard output."""
    asked = json.load(sys.stdin)
    at = datetime.fromisoformat(asked["at"])
    pdf = typeset(asked["template"], asked["values"], at=at, title=asked["title"])
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    _main()
