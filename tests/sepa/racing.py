"""Processes of their own that make runs of one database, started by the tests.

`race ACCOUNT ACCOUNT …` makes a run into each account at the same moment, each in a process;
`pause WHERE ACCOUNT` makes one and stops at a place in the middle, to be killed there.
"""

import os
import sys
import time
from datetime import date
from typing import Any

from flask import Flask

from app import create_app
from app.core.actor import COMMAND_LINE
from app.core.errors import KontorError
from app.extensions import db, transaction
from app.sepa import candidates, creating
from app.sepa.models import CreditorAccount
from app.sepa.rules import Policy


def create(app: Flask, account_id: int, day: date) -> str:
    """Make a run; its number, or why there is none."""
    with app.app_context():
        try:
            with transaction() as session:
                account = session.get_one(CreditorAccount, account_id)
                run, _ = creating.create_run(
                    session, account, day, policy=Policy(), actor=COMMAND_LINE
                )
                return f"made {run.number}"
        except KontorError as error:
            return str(error)


def race(app: Flask, day: date, accounts: list[int]) -> None:
    """One process for each account, let go together; a line for each."""
    ready, go = os.pipe()
    children = []
    for account_id in accounts:
        child = os.fork()
        if not child:
            os.close(go)
            os.read(ready, 1)  # until the parent lets go
            told = create(app, account_id, day)
            os.write(1, f"{told}\n".encode())
            os._exit(0)
        children.append(child)
    os.close(go)
    for child in children:
        os.waitpid(child, 0)


def pause(app: Flask, day: date, where: str, account_id: int) -> None:
    """Make a run in portions of 10, say where it stands, and go no further."""
    candidates.AT_ONCE = 10
    halts: dict[str, tuple[Any, str]] = {
        "claimed": (creating, "add_ready"),  # invoices are claimed, collections not written
        "between": (creating, "_use_mandates"),  # a portion is written, others are not
        "told": (creating, "tell_run"),  # all is written, the history and the commit are not
    }
    place, name = halts[where]

    def halt(*_arguments: Any) -> None:
        os.write(1, b"here\n")
        time.sleep(60)

    setattr(place, name, halt)
    create(app, account_id, day)


if __name__ == "__main__":
    command, day, *rest = sys.argv[1:]
    made = create_app(pages=False)
    with made.app_context():
        db.engine.dispose()
    if command == "race":
        race(made, date.fromisoformat(day), [int(one) for one in rest])
    else:
        pause(made, date.fromisoformat(day), rest[0], int(rest[1]))
