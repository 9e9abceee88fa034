"""The house rules: who may import whom, no Flask in the rules, files that stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "admin_views")
MAX_LINES = 400

# A feature may import itself and what stands on a lower step. Subscriptions and billing share a
# step and do not know each other.
FEATURE_STEP = {
    "core": 0,
    "audit": 1,
    "outbox": 2,
    "accounts": 3,
    "catalogue": 4,
    "customers": 5,
    "institutions": 6,
    "subscriptions": 7,
    "billing": 7,
    "sepa": 8,
    "service": 8,
    "loyalty": 8,
}
# Mechanisms and surfaces above all features.
SURFACES = {"admin_views", "api", "cli", "public", "transfer", "jobs"}
# Wiring that everybody may use, and the one place that wires it.
SHARED = {"extensions", "config"}

# Inside the features: operations and queries -> models, rules, drafts.
LAYER_STEP = {"operations": 2, "queries": 2}
WITHOUT_FLASK = {"rules", "models", "operations", "queries"}
FLASK = {"flask", "flask_admin", "flask_login", "flask_security", "flask_wtf", "werkzeug"}


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a module imports, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def room(name: str) -> str:
    """'app.customers.rules' -> 'customers'; 'admin_views.jobs' -> 'admin_views'; 'app' -> 'app'."""
    parts = name.split(".")
    if parts[0] == "admin_views":
        return "admin_views"
    return parts[1] if len(parts) > 1 else "app"


def role(name: str) -> str:
    """The part of a feature that a module belongs to: rules, models, operations, queries ..."""
    parts = name.split(".")
    return parts[2] if len(parts) > 2 else ""


def breach(importer: str, imported: str) -> str | None:
    """Say what is wrong with one import between our own modules, or None."""
    ours, theirs = room(importer), room(imported)
    if ours == "app" or theirs in SHARED or importer == imported:
        return None
    if theirs == "app":
        # `from app import create_app` is for wsgi.py and tests; `app` itself holds nothing else.
        return f"{importer} imports the wiring {imported}"
    if ours in FEATURE_STEP:
        if theirs in SURFACES:
            return f"{importer} imports {imported}: a feature must not know the surfaces above it"
        if ours != theirs and FEATURE_STEP[theirs] >= FEATURE_STEP[ours]:
            return f"{importer} imports {imported}: features import downward only"
        if LAYER_STEP.get(role(imported), 0) > LAYER_STEP.get(role(importer), 0) and role(
            importer
        ) in {"rules", "models"}:
            return f"{importer} imports {imported}: rules and models stand below operations"
        return None
    if ours in SHARED:
        if theirs not in {"core"} and theirs in FEATURE_STEP | dict.fromkeys(SURFACES, 0):
            return f"{importer} imports {imported}: the wiring knows only core"
        return None
    if theirs == "admin_views" and ours != "admin_views":
        return f"{importer} imports {imported}: only create_app knows the panel"
    if theirs in {"api", "cli", "public"} and ours != theirs:
        return f"{importer} imports {imported}: nobody imports a surface"
    return None


def own_modules() -> set[str]:
    return {module_name(path) for path in modules()}


def resolve(name: str, known: set[str]) -> str | None:
    """The module of ours that `name` lives in, or None where it is not ours."""
    while name:
        if name in known:
            return name
        name = name.rpartition(".")[0]
    return None


def test_imports_only_go_downward() -> None:
    known = own_modules()
    breaches = []
    for path in modules():
        for line, name in imports(path):
            target = resolve(name, known)
            said = breach(module_name(path), target) if target else None
            if said:
                breaches.append(f"{path.relative_to(ROOT)}:{line}: {said}")
    assert not breaches, "\n".join(breaches)


def test_rules_models_operations_and_queries_do_not_know_flask() -> None:
    breaches = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules()
        if room(module_name(path)) in FEATURE_STEP | dict.fromkeys(SURFACES, 0)
        and role(module_name(path)) in WITHOUT_FLASK
        for line, name in imports(path)
        if name.split(".")[0] in FLASK
    ]
    assert not breaches, "\n".join(breaches)


def test_core_knows_no_business_and_no_flask() -> None:
    breaches = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules()
        if room(module_name(path)) == "core"
        for line, name in imports(path)
        if name.split(".")[0] in FLASK
    ]
    assert not breaches, "\n".join(breaches)


def test_every_package_under_app_has_its_place_in_the_order() -> None:
    packages = {path.name for path in (ROOT / "app").iterdir() if (path / "__init__.py").exists()}
    assert packages <= FEATURE_STEP.keys() | SURFACES


def test_no_file_grows_beyond_400_lines() -> None:
    files = [*modules(), *sorted((ROOT / "tests").rglob("*.py"))]
    long = {
        str(path.relative_to(ROOT)): count
        for path in files
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("app.customers.operations", "app.sepa.models"),
        ("app.core.storage", "app.audit.operations"),
        ("app.subscriptions.operations", "app.billing.models"),
        ("app.customers.rules", "app.customers.operations"),
        ("app.sepa.operations", "app.jobs.operations"),
        ("app.transfer.columns", "admin_views.imports"),
        ("app.jobs.operations", "app.cli.worker"),
        ("app.customers.queries", "app"),
        ("app.extensions", "app.customers.models"),
    ],
)
def test_a_breach_of_the_order_is_found(importer: str, imported: str) -> None:
    assert breach(importer, imported)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("app.sepa.operations", "app.billing.models"),
        ("app.customers.operations", "app.customers.rules"),
        ("admin_views.imports", "app.transfer.imports"),
        ("app.transfer.imports.run", "app.jobs.registry"),
        ("app.accounts.identity", "app.extensions"),
        ("app", "admin_views.registry"),
    ],
)
def test_an_import_in_the_order_is_accepted(importer: str, imported: str) -> None:
    assert breach(importer, imported) is None
