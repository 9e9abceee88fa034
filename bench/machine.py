"""What the figures were measured on: machine, system, databases and versions."""

import os
import platform
import re
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.installation import Installation

LIBRARIES = ("Flask", "Flask-Admin", "SQLAlchemy", "Django")


def machine() -> dict[str, Any]:
    """Facts about this machine and what is installed here."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def postgres_facts(installation: Installation) -> dict[str, Any]:
    """The version of PostgreSQL, and the settings that matter most for speed."""
    app = installation.application()
    with app.app_context():
        from app.extensions import db

        session = db.session()
        found = {
            name: session.scalar(text(f"SHOW {name}"))
            for name in ("server_version", "shared_buffers", "work_mem")
        }
        db.session.remove()
        db.engine.dispose()
    return {"postgresql": found}


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        found = re.search(r"model name\s*:\s*(.+)", facts.read_text(encoding="utf-8"))
        if found:
            return found[1].strip()
    return platform.processor() or "unknown processor"
