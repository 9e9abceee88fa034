"""The limits of requests, forgotten before each test: they outlive it in the process's memory."""

import pytest
from flask import Flask

from app.extensions import limiter


@pytest.fixture(autouse=True)
def no_requests_yet(app: Flask) -> None:
    """Every test begins as if nobody had asked for anything."""
    with app.app_context():
        limiter.reset()
