"""Checks a KBART file against the standard's list of fields (NISO RP-9-2014), apart from ours."""

import re
from datetime import date

FIELDS = [
    "publication_title",
    "print_identifier",
    "online_identifier",
    "date_first_issue_online",
    "num_first_vol_online",
    "num_first_issue_online",
    "date_last_issue_online",
    "num_last_vol_online",
    "num_last_issue_online",
    "title_url",
    "first_author",
    "title_id",
    "embargo_info",
    "coverage_depth",
    "notes",
    "publisher_name",
    "publication_type",
    "date_monograph_published_print",
    "date_monograph_published_online",
    "monograph_volume",
    "monograph_edition",
    "first_editor",
    "parent_publication_title_id",
    "preceding_publication_title_id",
    "access_type",
]
MONOGRAPH = FIELDS[17:22]
FILE_NAME = re.compile(r"[A-Za-z0-9]+_[A-Za-z0-9]+_\d{4}-\d{2}-\d{2}\.txt")


def check(content: bytes, name: str | None = None) -> list[dict[str, str]]:
    """The rows of the file; raises AssertionError for whatever the standard does not allow."""
    assert not content.startswith(b"\xef\xbb\xbf"), "a byte order mark"
    lines = content.decode("utf-8").split("\n")
    assert lines.pop() == "", "the last line has no end"
    assert lines[0].split("\t") == FIELDS
    rows = []
    for line in lines[1:]:
        cells = line.split("\t")
        assert len(cells) == 25, f"{len(cells)} columns"
        assert all(cell == cell.strip() and "\r" not in cell for cell in cells)
        row = dict(zip(FIELDS, cells, strict=True))
        _check_row(row)
        rows.append(row)
    titles = [row["publication_title"].casefold() for row in rows]
    assert titles == sorted(titles), "not sorted by title"
    if name is not None:
        assert FILE_NAME.fullmatch(name), name
        date.fromisoformat(name[-14:-4])
    return rows


def _check_row(row: dict[str, str]) -> None:
    assert row["publication_title"]
    issns = [row["print_identifier"], row["online_identifier"]]
    assert any(issns)
    for issn in filter(None, issns):
        assert _is_issn(issn), issn
    for end in ("first", "last"):
        stated = row[f"date_{end}_issue_online"]
        assert re.fullmatch(r"(\d{4}(-\d{2}(-\d{2})?)?)?", stated), stated
    first, last = row["date_first_issue_online"], row["date_last_issue_online"]
    assert not last or first[: len(last)] <= last[: len(first)] or not first
    assert re.fullmatch(r"([RP]\d+[DMY](;[RP]\d+[DMY])?)?", row["embargo_info"])
    assert row["coverage_depth"] in {"fulltext", "selected articles", "abstracts"}
    assert row["publication_type"] == "serial"
    assert row["access_type"] in {"P", "F"}
    assert not any(row[name] for name in MONOGRAPH)


def _is_issn(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{3}[\dX]", text):
        return False
    digits = [10 if one == "X" else int(one) for one in text.replace("-", "")]
    return sum((8 - place) * digit for place, digit in enumerate(digits)) % 11 == 0
