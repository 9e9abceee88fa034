"""The panel's own files and those of others: pinned, licensed, and nothing from a foreign host."""

import re
from pathlib import Path

from flask import Flask

from admin_views.assets import asset
from app.vendor import PACKAGES, TARGET

STATIC = TARGET.parent


def test_every_package_comes_with_its_licence_and_its_files() -> None:
    for package in PACKAGES:
        folder = TARGET / package.folder
        assert (folder / "LICENSE").stat().st_size > 200 or package.licence == "0BSD"
        for name in package.files.values():
            assert (folder / name).stat().st_size > 0
    known = {package.folder for package in PACKAGES} | {"README.md"}
    assert {path.name for path in TARGET.iterdir()} == known


def test_no_file_asks_for_a_source_map_that_is_not_there() -> None:
    for path in TARGET.rglob("*.min.*"):
        assert b"sourceMappingURL" not in path.read_bytes(), path


def test_our_own_styles_and_scripts_ask_no_foreign_host() -> None:
    for path in [*(STATIC / "css").iterdir(), *(STATIC / "js").iterdir()]:
        assert not re.search(r"https?://", path.read_text(encoding="utf-8")), path


def test_the_address_of_a_file_changes_with_its_content(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    folder = app.static_folder
    try:
        app.static_folder = str(tmp_path)
        with app.test_request_context():
            first = asset("a.css")
            assert asset("a.css") == first
            (tmp_path / "a.css").write_text("b { color: red }")
        with app.test_request_context():
            assert asset("a.css") != first
    finally:
        app.static_folder = folder
