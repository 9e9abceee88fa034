"""django-import-export, as its documentation writes a resource: it reads a CSV, row by row."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.peers.copying import SCHEMA


def prepared(database: Path, file: Path) -> Callable[[], dict[str, Any]]:
    """What imports the file into an empty copy of the peer's tables, made anew."""
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(SCHEMA)
    os.environ["BENCH_DJANGO_DATABASE"] = str(database.resolve())
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.peers.django_admin.settings"
    import django

    django.setup()

    def run() -> dict[str, Any]:
        import tablib
        from import_export import resources

        from bench.peers.django_admin.models import Customer

        class CustomerResource(resources.ModelResource):  # type: ignore[misc]
            class Meta:
                model = Customer
                import_id_fields = ("number",)
                exclude = ("id", "group")

        data = tablib.Dataset().load(file.read_text(encoding="utf-8"), format="csv")
        result = CustomerResource().import_data(data, dry_run=False, raise_errors=True)
        return {"rows": result.total_rows, "created": result.totals["new"]}

    return run
