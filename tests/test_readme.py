"""The README keeps its word: its table of settings is what app/config.py reads."""

from dataclasses import fields
from pathlib import Path

from app.config import ROOT, Settings

README = Path(ROOT) / "README.md"
START = "<!-- settings: tests/test_readme.py compares this table with app/config.py -->\n"
END = "<!-- end of settings -->"


def settings_table() -> str:
    """The table as it must stand in the README."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for one in fields(Settings):
        default = str(one.default).replace(str(ROOT), ".")
        if isinstance(one.default, bool):
            default = "yes" if one.default else "no"
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{one.metadata['variable']}` | {shown} | {one.metadata['meaning']} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_settings_is_complete() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.partition(START)[2].partition(END)[0] == settings_table()
