"""The parts of the measurement. Each runs in a process of its own and leaves what it found."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.answers import measure_answers
from bench.bank_files import measure_bank_files
from bench.collecting import measure_collecting
from bench.data import prepare
from bench.duplicates import measure_duplicates
from bench.exporting import measure_exports
from bench.importing import ROWS, measure_imports
from bench.installation import Installation, opened
from bench.keeping import keep, kept
from bench.kontor import measure_pages
from bench.machine import machine, postgres_facts
from bench.peers.asking import Peer, measure_peer
from bench.peers.copying import copy_customers
from bench.postgres import postgres
from bench.rights import measure_rights
from bench.searching import measure_search
from bench.sweep import measure_filters
from bench.terms import ANYTHING, draw_terms

Found = dict[str, Any]
# The searches of the issue that any peer is asked for, too: seconds each.
PEERS_ANYTHING = ANYTHING[:3]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: how many customers, in which folder, and for how long at most."""

    customers: int
    data: Path
    postgres: str = ""
    minutes: float = 30.0

    @property
    def sqlite(self) -> Installation:
        """Kontor as it runs without any setting."""
        return Installation(self.data / "sqlite")

    def measured(self, part: str) -> Path:
        """The file that keeps what a part has found."""
        return self.data / "measured" / f"{part}.json"


def run_part(plan: Plan, part: str) -> None:
    """Measure one part and keep what it found."""
    found = PARTS[part](plan)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    keep(plan.measured(part), found | {"ended": now, "load": os.getloadavg()[0]})


def _data(plan: Plan) -> Found:
    """The customers, what is searched for among them, and the copies for the peers."""
    facts = prepare(plan.sqlite, plan.customers)
    app = plan.sqlite.application()
    with app.app_context():
        from app.extensions import db

        terms = draw_terms(db.session())
    database = plan.sqlite.folder / "kontor.db"
    copy_customers(database, [_copy(plan, peer) for peer in ("flask-admin", "django")])
    # Seconds of an earlier run stay, where this one had nothing to make.
    before = kept(plan.measured("data"))
    if facts["seed_seconds"] is None:
        facts["seed_seconds"] = before.get("seed_seconds")
    return facts | {"terms": terms, "machine": machine()}


def _copy(plan: Plan, peer: str) -> Path:
    return plan.data / "peers" / f"{peer}.db"


def _terms(plan: Plan) -> Mapping[str, list[str]]:
    return kept(plan.measured("data"))["terms"]  # type: ignore[no-any-return]


def _pages(plan: Plan) -> Found:
    with opened(plan.sqlite) as (app, panel):
        return _rows(measure_pages(app, panel))


def _search(plan: Plan) -> Found:
    with opened(plan.sqlite) as (app, panel):
        return _rows(measure_search(app, panel, _terms(plan)))


def _filters(plan: Plan) -> Found:
    return _swept(plan.sqlite, plan.minutes)


def _swept(installation: Installation, minutes: float) -> Found:
    with opened(installation) as (app, panel):
        shares, without = measure_filters(app, panel, minutes)
    return {"shares": [one.as_json() for one in shares], "without": without}


def _postgres_data(plan: Plan) -> Found:
    with postgres(plan.data, plan.postgres) as installation:
        facts = prepare(installation, plan.customers) | postgres_facts(installation)
    before = kept(plan.measured("postgresql-data"))
    if facts["seed_seconds"] is None:
        facts["seed_seconds"] = before.get("seed_seconds")
    return facts


def _postgres_pages(plan: Plan) -> Found:
    with postgres(plan.data, plan.postgres) as one, opened(one) as (app, panel):
        return _rows(measure_pages(app, panel))


def _postgres_search(plan: Plan) -> Found:
    with postgres(plan.data, plan.postgres) as one, opened(one) as (app, panel):
        return _rows(measure_search(app, panel, _terms(plan)))


def _postgres_filters(plan: Plan) -> Found:
    with postgres(plan.data, plan.postgres) as one:
        return _swept(one, plan.minutes)


def _flask_admin(plan: Plan) -> Found:
    from bench.peers.flask_admin_app import FlaskAdminPeer

    return _peer(plan, FlaskAdminPeer(_copy(plan, "flask-admin")))


def _django(plan: Plan) -> Found:
    from bench.peers.django_admin.peer import DjangoPeer

    return _peer(plan, DjangoPeer(_copy(plan, "django")))


def _peer(plan: Plan, peer: Peer) -> Found:
    customers = kept(plan.measured("data"))["customers"]
    return _rows(measure_peer(peer, customers, _terms(plan), PEERS_ANYTHING))


def _duplicates(plan: Plan) -> Found:
    return {"duplicates": measure_duplicates(plan.sqlite)}


def _rights(plan: Plan) -> Found:
    """Of one size, whatever the number of customers elsewhere: in an installation of its own."""
    return measure_rights(Installation(plan.data / "rights"))


def _bank_answers(plan: Plan) -> Found:
    """Of one size, whatever the number of customers elsewhere: in an installation of its own."""
    return measure_answers(Installation(plan.data / "answers"))


def _exports(plan: Plan) -> Found:
    return measure_exports(plan.sqlite, _copy(plan, "flask-admin"))


def _imports(plan: Plan) -> Found:
    return measure_imports(plan.data / "imports", min(plan.customers, ROWS))


def _bank_files(plan: Plan) -> Found:
    """Of one size, too, and in an installation of its own."""
    return measure_bank_files(Installation(plan.data / "bank-files"))


def _direct_debit(plan: Plan) -> Found:
    return measure_collecting(plan.sqlite)


def _rows(rows: Any) -> Found:
    return {"rows": [one.as_json() for one in rows]}


# In the order in which they run; the finder of duplicates comes last because it writes.
PARTS: Mapping[str, Callable[[Plan], Found]] = {
    "data": _data,
    "pages": _pages,
    "search": _search,
    "filters": _filters,
    "flask-admin": _flask_admin,
    "django": _django,
    "postgresql-data": _postgres_data,
    "postgresql-pages": _postgres_pages,
    "postgresql-search": _postgres_search,
    "postgresql-filters": _postgres_filters,
    "rights": _rights,
    "bank-answers": _bank_answers,
    "exports": _exports,
    "imports": _imports,
    "bank-files": _bank_files,
    "direct-debit": _direct_debit,
    "duplicates": _duplicates,
}
