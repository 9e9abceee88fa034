"""The extensions, made once and bound to the application in create_app."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.orm import Session

from app.core.database import Base, forget_after_commit, immediate_begin, run_after_commit

db = SQLAlchemy(model_class=Base, disable_autonaming=True)
csrf = CSRFProtect()
limiter = Limiter(get_remote_address)


@contextmanager
def transaction() -> Iterator[Session]:
    """The one commit boundary: all of what happens inside, or nothing.

    Ends the read that may be under way first, so that what is judged inside is what stands in
    the database now; on SQLite it takes the write lock at once. What asked to be called after
    the commit is called then.
    """
    session = db.session()
    session.rollback()
    with immediate_begin():
        try:
            yield session
            session.commit()
        except BaseException:
            forget_after_commit(session)
            session.rollback()
            raise
    run_after_commit(session)
