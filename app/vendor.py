"""The pinned third-party files of app/static/vendor: which, which version, and how they get there.

Run `python -m app.vendor` (or `make vendor`) with npm at hand. Every package is compared with
the checksum below before a file of it is used, so a run either reproduces what is committed or
stops. The panel itself never needs npm: the files are part of the repository.
"""

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

NPM = shutil.which("npm") or ""
TARGET = Path(__file__).parent / "static" / "vendor"

MIT = """MIT License

{copyright}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


@dataclass(frozen=True)
class Package:
    """One npm package: its folder below vendor/, and which of its files are kept (from -> to)."""

    name: str
    version: str
    licence: str
    sha512: str
    folder: str
    files: dict[str, str]


ICONS = Package(
    "@tabler/icons",
    "3.51.0",
    "MIT",
    "0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
    "tabler-icons",
    {"LICENSE": "LICENSE"},
)

PACKAGES = (
    Package(
        "@tabler/core",
        "1.6.1",
        "MIT",
        "lgmR9gcxRp5JlLxcmRi9Rz85JrEvH6Bz71KnlcPVSa97wtwQNjgSs3g3fxwbAlulHyRMghhIV04QUuW3pqDsIg==",
        "tabler",
        {"dist/css/tabler.min.css": "tabler.min.css", "dist/js/tabler.min.js": "tabler.min.js"},
    ),
    Package(
        "tom-select",
        "2.6.2",
        "Apache-2.0",
        "eiXIkk82XzzUTOVQDFpy+ZGejuqdTvMukyUyeZBQaKnqW42UoTiTZnrod/eX0rkqJEc4rZY9DZ3zdjV07i29wQ==",
        "tom-select",
        {
            "LICENSE": "LICENSE",
            "dist/js/tom-select.complete.min.js": "tom-select.complete.min.js",
            "dist/css/tom-select.bootstrap5.min.css": "tom-select.bootstrap5.min.css",
        },
    ),
    Package(
        "htmx.org",
        "2.0.11",
        "0BSD",
        "Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        "htmx",
        {"LICENSE": "LICENSE", "dist/htmx.min.js": "htmx.min.js"},
    ),
    Package(
        "@fontsource-variable/inter",
        "5.3.0",
        "OFL-1.1",
        "OupL48va4JNofb97w6NYeF9S7W/kHNKM0Er8Dem5nqi4jeOLrVJDoE8tZEpnMJmtkvNbB1EIPPwHcdkF6b1oUA==",
        "inter",
        {
            "LICENSE": "LICENSE",
            "files/inter-latin-wght-normal.woff2": "inter-latin-wght-normal.woff2",
            "files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext-wght-normal.woff2",
        },
    ),
    ICONS,
)

# The icons that pages may use, of five thousand; a name missing upstream stops the run.
ICON_NAMES = """
activity address-book adjustments-horizontal alert-circle alert-triangle archive arrow-back-up
arrow-left arrow-right arrows-sort article ban bell bolt book bookmark books briefcase building
building-bank building-community building-store calendar calendar-event cash category certificate
chart-bar check checks chevron-down chevron-left chevron-right chevron-up chevrons-left
chevrons-right circle-check circle-plus circle-x clipboard-check clipboard-list clock columns copy
credit-card currency-euro database device-floppy device-mobile dots download external-link eye
file file-check file-download file-export file-import file-invoice file-spreadsheet file-text
file-x file-zip files filter filter-off flag git-merge heart heart-handshake help help-circle
history home hourglass id info-circle key layers-intersect layout-dashboard link list-check
list-details list-search lock lock-open login logout mail map-pin menu-2 message moon note package
pencil phone player-play player-stop plus printer progress-check refresh report-money restore
rotate search settings shield-check shield-lock signature square-check stack-2 star sun table
table-export table-import tag tags trash trash-off upload user user-check user-circle user-plus
user-x users users-group vocabulary wallet world writing x
"""


def fetch(package: Package, into: Path) -> Path:
    """Downloads and unpacks one package; stops when it is not the pinned one."""
    subprocess.run(  # noqa: S603 - the names are the constants above
        [NPM, "pack", f"{package.name}@{package.version}", "--silent"],
        cwd=into,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (archive,) = into.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.sha512:
        sys.exit(f"{package.name} {package.version} is not the pinned package: {digest}")
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    return into / "package"


def keep(package: Package, source: Path) -> None:
    """Copies the wanted files; source maps are not shipped, so their references go as well."""
    folder = TARGET / package.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for origin, name in package.files.items():
        content = (source / origin).read_bytes()
        if name.endswith((".js", ".css")):
            content = re.sub(rb"\n?(//|/\*)# sourceMappingURL=[^\n]*", b"", content)
        (folder / name).write_bytes(content.rstrip() + b"\n" if b"\0" not in content else content)
    if package.name == "@tabler/core":  # the package carries its copyright only in its files
        notice = "Copyright (c) 2018-2026 The Tabler Authors\nCopyright (c) 2018-2026 Paweł Kuna"
        bootstrap = "\nIt contains Bootstrap, (c) 2011-2025 The Bootstrap Authors, also MIT.\n"
        (folder / "LICENSE").write_text(MIT.format(copyright=notice) + bootstrap, encoding="utf-8")


def write_sprite(source: Path) -> None:
    """One SVG with a symbol for each icon, so that a page needs a single request for all."""
    symbols = []
    for name in ICON_NAMES.split():
        svg = (source / "icons" / "outline" / f"{name}.svg").read_text(encoding="utf-8")
        body = re.sub(
            r"<!--.*?-->|<svg[^>]*>|</svg>|<path stroke=\"none\"[^>]*/>", "", svg, flags=re.S
        )
        shapes = " ".join(body.split()).replace(" />", "/>").replace("> <", "><")
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{shapes}</symbol>'
        )
    (TARGET / ICONS.folder / "sprite.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n",
        encoding="utf-8",
    )


def write_readme() -> None:
    rows = [f"| {p.folder}/ | {p.name} | {p.version} | {p.licence} |" for p in PACKAGES]
    lines = [
        "# Third-party files",
        "",
        "Unmodified (source-map references removed), fetched by `make vendor`; do not edit.",
        "tabler-icons/sprite.svg is put together from the package's own SVG files.",
        "",
        "| folder | package | version | licence |",
        "| --- | --- | --- | --- |",
        *rows,
    ]
    (TARGET / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    if not NPM:
        sys.exit("npm is needed to fetch the packages again; the panel runs without it.")
    TARGET.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            source = fetch(package, Path(folder))
            keep(package, source)
            if package is ICONS:
                write_sprite(source)
        sys.stderr.write(f"{package.name} {package.version}\n")
    write_readme()


if __name__ == "__main__":
    main()
