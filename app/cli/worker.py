"""`worker`: runs background jobs until it is asked to end."""

import logging

import click
from flask import current_app
from flask.cli import with_appcontext

from app.jobs.worker import make_consumer


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Run background jobs until INT or TERM.

    Any number of workers may run beside each other; each job is run by one of them. A worker may
    be killed at any moment: what it leaves half done is resumed or taken back by the next one.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # huey tells of every task and every minute; what a job does stands on its page.
    logging.getLogger("huey").setLevel(logging.WARNING)
    make_consumer(current_app._get_current_object()).run()  # type: ignore[attr-defined]


def commands() -> list[click.Command]:
    """The commands of this module."""
    return [worker]
