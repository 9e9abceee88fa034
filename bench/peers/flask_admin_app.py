"""Stock Flask-Admin: the models and the view as its documentation writes them."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.filters import BooleanEqualFilter, FilterEqual
from flask_admin.theme import Bootstrap4Theme
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """The peer's own tables."""


db = SQLAlchemy(model_class=Base)


class Group(db.Model):
    """A customer group."""

    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))

    def __str__(self) -> str:
        return self.name


class Customer(db.Model):
    """A customer."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    first_name: Mapped[str | None] = mapped_column(String(120))
    name: Mapped[str | None] = mapped_column(String(120))
    company_name: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    phone: Mapped[str | None] = mapped_column(String(40))
    street: Mapped[str | None] = mapped_column(String(200))
    postcode: Mapped[str | None] = mapped_column(String(20))
    place: Mapped[str | None] = mapped_column(String(120))
    country: Mapped[str | None] = mapped_column(String(2))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"), index=True)
    source: Mapped[str] = mapped_column(String(10))
    payment_method: Mapped[str | None] = mapped_column(String(20))
    locked: Mapped[bool]
    newsletter: Mapped[bool]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    group: Mapped[Group | None] = relationship()


class CustomerView(ModelView):
    """The list of customers."""

    page_size = 50
    column_list = (
        "number", "first_name", "name", "company_name", "kind", "email", "phone", "place",
        "group", "created_at", "changed_at",
    )  # fmt: skip
    column_searchable_list = ("number", "first_name", "name", "company_name", "email", "phone")
    column_sortable_list = ("number", "name", "created_at", "changed_at")
    column_filters = (
        "kind", "group.name", "source", "payment_method", "locked", "newsletter", "place",
        "postcode", "country", "created_at", "changed_at",
    )  # fmt: skip


class FlaskAdminPeer:
    """How this peer is asked."""

    first_page = "/admin/customer/"

    def __init__(self, database: Path) -> None:
        self.app = Flask(__name__)
        self.app.config.update(
            SECRET_KEY="bench", SQLALCHEMY_DATABASE_URI=f"sqlite:///{database.resolve()}"
        )
        db.init_app(self.app)
        admin = Admin(self.app, name="Customers", theme=Bootstrap4Theme())
        self.view = CustomerView(Customer, db)
        admin.add_view(self.view)
        self.client = self.app.test_client()

    def get(self, url: str) -> str:
        answer = self.client.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status}"
        return answer.get_data(as_text=True)

    def last_page(self, customers: int) -> str:
        return f"{self.first_page}?page={(customers - 1) // self.view.page_size}"

    def search(self, term: str) -> str:
        return f"{self.first_page}?search={term}"

    def filtered(self, given: Mapping[str, str], sort: str, descending: bool) -> str:
        # It counts the columns of its list and the filters of all columns.
        wanted: dict[str, str | int] = {"sort": self.view.column_list.index(sort)}
        if descending:
            wanted["desc"] = 1
        for place, (name, value) in enumerate(given.items()):
            wanted[f"flt{place}_{self._equals(name)}"] = value
        return f"{self.first_page}?{urlencode(wanted)}"

    def _equals(self, name: str) -> int:
        filters = self.view._filters
        return next(
            place
            for place, one in enumerate(filters)
            if isinstance(one, FilterEqual | BooleanEqualFilter) and one.column.key == name
        )
