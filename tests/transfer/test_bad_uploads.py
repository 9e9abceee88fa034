"""Bad uploads: each gets one clear sentence through every door, and the memory stays as it was."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.errors import Refused
from app.customers.models import Customer
from app.transfer.imports import guard
from app.transfer.imports.reader import open_source
from app.transfer.models import Import, ImportState
from tests.transfer.bad_files import HEAVY, WHOLE, good, workbook
from tests.transfer.conftest import Import as RunImport

ROOT = Path(__file__).parents[2]
MEGABYTES = 400  # of the command, which only hands rows on
READER_MEGABYTES = 900  # of the process that reads for it, ended by its own limit of 1,024


@pytest.mark.parametrize("what", [name for name in WHOLE if name not in HEAVY])
def test_a_bad_upload_gets_one_clear_sentence(
    tmp_path: Path,
    session: Session,
    as_role: Callable[..., FlaskClient],
    run_import: RunImport,
    run_jobs: Callable[[], int],
    what: str,
) -> None:
    name, make, expected = WHOLE[what]
    path = tmp_path / name
    path.write_bytes(make())
    told = run_import("individual", path, code=1)
    assert expected in told["error"]
    assert "\n" not in told["error"]
    assert len(told["error"]) < 250

    client = as_role("operations")
    answer = client.post(
        "/admin/imports/upload/?kind=individual",
        data={"file": (io.BytesIO(path.read_bytes()), f"../../etc/{name}")},
    )
    run_jobs()
    page = client.get(answer.headers["Location"]).text
    assert re.sub(r"\s+", " ", told["error"]) in re.sub(r"\s+", " ", page)
    found = session.scalars(select(Import).order_by(Import.id.desc()).limit(1)).one()
    assert (found.state, found.file.name) == (ImportState.REFUSED, name)
    assert session.scalar(select(func.count()).select_from(Customer)) == 0


def test_the_heaviest_uploads_get_their_sentence_in_bounded_memory(
    tmp_path: Path, app: Flask
) -> None:
    if "sqlite" not in app.config["SQLALCHEMY_DATABASE_URI"]:
        pytest.skip("the process makes a database of its own")
    for what in HEAVY:
        folder = tmp_path / what
        folder.mkdir()
        name, make, _ = WHOLE[what]
        (folder / name).write_bytes(make())
    script = Path(__file__).with_name("reading_bad_files.py")
    files = map(str, _heavy(tmp_path))
    # A process counts as its own what the one that starts it holds: a shell holds next to nothing,
    # the tests before this one had left hundreds of megabytes.
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@"; exit $?', "sh", sys.executable, str(script),
         str(tmp_path / "instance"), *files],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(told) == len(HEAVY)
    for what, one in zip(HEAVY, told, strict=True):
        assert WHOLE[what][2] in one["error"], what
        assert one["own_megabytes"] < MEGABYTES, what
        assert one["reader_megabytes"] < READER_MEGABYTES, what


def _heavy(folder: Path) -> list[Path]:
    return [folder / what / WHOLE[what][0] for what in HEAVY]


def refusal(tmp_path: Path, content: bytes, limit: int = 1 << 26) -> str:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused, open_source(path, limit):
        pass
    return str(refused.value)


def test_a_file_over_the_limit_is_not_even_opened(tmp_path: Path) -> None:
    assert "larger than 1 MB" in refusal(tmp_path, b"x" * 1_100_000, limit=1024 * 1024)


def test_a_lying_directory_is_damage(tmp_path: Path) -> None:
    content = bytearray(good())
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = (50_000_000).to_bytes(4, "little")
    assert "damaged" in refusal(tmp_path, bytes(content))


def test_a_workbook_that_lacks_a_sheet_names_it(tmp_path: Path, run_import: RunImport) -> None:
    path = tmp_path / "institutions.xlsx"
    path.write_bytes(
        workbook([["Company name", "Email"]], lambda book: setattr(book.active, "title", "Other"))
    )
    assert "no sheet “Customers”" in run_import("perpetual", path, code=1)["error"]


def test_the_bytes_are_counted_as_they_come_not_as_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "WORKBOOK_LIMIT", 100)
    assert "too large" in refusal(tmp_path, good())
