"""Makes the records that tests need, with values that differ from each other.

Where an operation of the product makes a record, its own tests use that; these serve the others.
All commit, so that requests, commands and jobs see what was made. They need an application context.
"""

import secrets
import time
import uuid
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from flask_login.utils import _create_identifier
from sqlalchemy import select

from app.accounts import operations_sessions
from app.accounts.models import Operator, OperatorSession, Role
from app.accounts.operations import ensure_built_in_roles
from app.accounts.sessions import KEY
from app.core import clock
from app.extensions import transaction

PASSWORD = "correct horse battery staple"
USER_AGENT = "Kontor tests"
# A forged log-in does not end by the clock, which tests move by months.
NEVER_OLD = datetime(2999, 1, 1, tzinfo=UTC)

_numbers = count(1)


@cache
def _hashed_password() -> str:
    """Hashed once: a proper hash takes its time."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def operator(role: str = "administrator", **values: Any) -> Operator:
    """An operator with a role (or with none, for ""), who logs in with PASSWORD."""
    number = next(_numbers)
    with transaction() as session:
        ensure_built_in_roles(session)
        made = Operator(
            **{
                "email": f"{role or 'nobody'}{number}@example.com",
                "name": f"{(role or 'nobody').capitalize()} {number}",
                "password": _hashed_password(),
                "fs_uniquifier": uuid.uuid4().hex,
                "created_at": clock.now(),
                "roles": list(session.scalars(select(Role).where(Role.name == role))),
            }
            | values
        )
        session.add(made)
    return made


def logged_in(app: Flask, uniquifier: str) -> FlaskClient:
    """A browser of an operator, without the detour over the log-in page."""
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = USER_AGENT
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": USER_AGENT}
    with app.test_request_context(environ_base=environ):
        identifier = _create_identifier()
    key = secrets.token_urlsafe(32)
    with app.app_context(), transaction() as session:
        one = session.scalars(select(Operator).where(Operator.fs_uniquifier == uniquifier)).one()
        row = operations_sessions.begin(
            session, one, key, address="127.0.0.1", user_agent=USER_AGENT
        )
        session.get_one(OperatorSession, row).created_at = NEVER_OLD
    with client.session_transaction() as cookie:
        cookie.update(
            {"_user_id": uniquifier, "_fresh": True, "_id": identifier, KEY: key},
            fs_paa=time.time(),
        )
    return client
