"""Reads one workbook in a process of its own, with a limit on memory and time.

Started by reader.py as a plain script: it imports nothing of Kontor, so that it starts fast and
a hostile file can harm nothing but itself. It is asked by lines on standard input and answers
with one line of JSON each on standard output:

    sheets    -> {"sheets": [[title, visible], ...]}
    load NAME -> {"height": rows, "width": columns, "offset": blank columns before each row}
    next      -> {"rows": [[cell, ...], ...]}, empty after the last row

Rows come from the very first row of the sheet on. A date is {"d": "2020-01-31"}, a moment
{"m": "2020-01-31T12:00:00"}. What goes wrong is {"error": "password" | "damaged"}.
"""

import datetime
import json
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

BATCH = 500


def main() -> None:
    """Answer until standard input ends: arguments are the path, megabytes and CPU seconds."""
    path, megabytes, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine  # after the limits, so that they hold for it too

    try:
        workbook = python_calamine.load_workbook(path)
        serve(workbook)
    except python_calamine.PasswordError:
        answer({"error": "password"})
    except (python_calamine.CalamineError, ValueError, TypeError, OverflowError):
        answer({"error": "damaged"})


def serve(workbook: Any) -> None:
    """Answer one request after the other."""
    rows: Iterator[list[Any]] = iter(())
    title: str | None = None
    sheet: Any = None
    for line in sys.stdin:
        request, _, argument = line.strip().partition(" ")
        if request == "sheets":
            answer(
                {
                    "sheets": [
                        [sheet.name, str(sheet.visible).endswith(".Visible")]
                        for sheet in workbook.sheets_metadata
                        if str(sheet.typ).endswith(".WorkSheet")
                    ]
                }
            )
        elif request == "load":
            if json.loads(argument) != title:
                title, sheet = json.loads(argument), None  # frees one sheet before the next
                sheet = workbook.get_sheet_by_name(title)
            rows = iter(sheet.iter_rows())
            offset = sheet.start[1] if sheet.start else 0
            width = sheet.end[1] + 1 if sheet.end else 0
            answer({"height": sheet.total_height, "width": width, "offset": offset})
        else:
            answer({"rows": list(islice(rows, BATCH))})


def answer(what: dict[str, Any]) -> None:
    """Write one line, at once."""
    sys.stdout.write(json.dumps(what, default=encode, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def encode(value: object) -> Any:
    """What JSON lacks: moments, dates; times and spans as people would type them."""
    if isinstance(value, datetime.datetime):
        return {"m": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"d": value.isoformat()}
    return str(value)


if __name__ == "__main__":
    main()
