"""The outbox bound to a mail server of the test, and back to files afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app.outbox.transport import mail


@pytest.fixture
def send_by(app: Flask, instance: Path) -> Iterator[Callable[[str], None]]:
    """Send by the server of an address, as MAIL_URL would name it."""
    settings = app.config["SETTINGS"]

    def use(url: str) -> None:
        sender = "Küche & Söhne <office@example.com>"
        mail.open(replace(settings, mail_url=url, mail_from=sender), instance)

    yield use
    mail.open(settings, instance)


@pytest.fixture
def mail_folder(app: Flask, instance: Path) -> Iterator[Path]:
    """The folder of the .eml files, empty."""
    folder = instance / "mail"
    for file in folder.iterdir():
        file.unlink()
    yield folder
