"""A real worker, web server or command that stops after the first rows of an export."""

import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from app import create_app
from app.jobs.worker import make_consumer
from app.transfer.exports import operations

_through = operations._Rows.through


def halting_through(rows: Any, cells: Sequence[Any]) -> Iterator[Any]:
    for row in _through(rows, cells):
        yield row
        told = sys.__stdout__  # the runner of commands puts its own in the place of the other
        assert told
        told.write("first row\n")
        told.flush()
        threading.Event().wait()


if __name__ == "__main__":
    operations._Rows.through = halting_through
    if sys.argv[1] == "worker":
        make_consumer(create_app()).run()
    elif sys.argv[1] == "command":
        app = create_app()
        app.test_cli_runner().invoke(args=["export", "customers", "--out", sys.argv[2]])
    else:
        from werkzeug.serving import make_server

        app = create_app()
        app.testing = True
        server = make_server("127.0.0.1", 0, app)
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
