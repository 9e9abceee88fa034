"""Kontor's list, records and saving, as an administrator's browser asks for them."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from bench.data import big_customer
from bench.installation import Panel, rows_shown
from bench.timing import Row, Timing, row, timed

LIST = "/admin/clients/"
# A page of the history near its end.
OLD_PAGE = 395


def measure_pages(app: Flask, panel: Panel) -> Iterator[Row]:
    """The list, records and saving."""
    shown = rows_shown(panel.get(f"{LIST}?size=50"))
    assert shown == 50, f"the list shows {shown} rows, not 50"
    yield row("list-first", [timed("first page", lambda: panel.get(f"{LIST}?size=50"))])
    yield row("list-last", [timed("last page", lambda: panel.get(f"{LIST}?size=50&page=-1"))])
    yield from _records(app, panel)
    yield _saving(app, panel)


def _records(app: Flask, panel: Panel) -> Iterator[Row]:
    with app.app_context():
        from app.extensions import db

        id_, kind = big_customer(db.session())
    url = f"/admin/{kind}/details/?id={id_}"
    page = panel.get(url)
    yield row("record", [timed("the record", lambda: panel.get(url))])
    found = dict.fromkeys(re.findall(r'hx-get="([^"]*/tab/[^"]*)"', page))
    assert found, "the record has no tabs"
    tabs = {_name_of(address): address.replace("&amp;", "&") for address in found}
    tabs["history, far back"] = f"{tabs['history']}&page={OLD_PAGE}"
    yield row("record-tabs", [_tab(panel, *one) for one in tabs.items()])


def _name_of(address: str) -> str:
    return re.sub(r".*tab=(\w+).*", r"\1", address)


def _tab(panel: Panel, name: str, address: str) -> Timing:
    return timed(name, lambda: panel.get(address))


def _saving(app: Flask, panel: Panel) -> Row:
    """A customer saved from the form: each time with another memo, so that something changes."""
    with app.app_context():
        from app.customers.models import Customer
        from app.extensions import db

        session = db.session()
        middle = (session.scalar(select(func.max(Customer.id))) or 0) // 2
        wanted = select(Customer.id).where(
            Customer.kind == "individual", Customer.deleted_at.is_(None), Customer.id >= middle
        )
        id_ = session.scalar(wanted.order_by(Customer.id).limit(1))
    url = f"/admin/individual/edit/?id={id_}"
    numbers = count()
    form: dict[str, Any] = {}

    def fill() -> None:
        form.update(panel.form(url), memo=f"Measured {next(numbers)} times")

    def save() -> None:
        answer = panel.client.post(url, data=form)
        assert answer.status_code == 302, f"the customer was not saved: {answer.status}"

    return row("save", [timed("saving", save, before=fill)])
