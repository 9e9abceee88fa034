"""The panel as a whole: which modules give it views, in which order the menu shows them."""

from importlib import import_module

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin
from flask_admin.theme import Theme

from admin_views import errors, headers
from admin_views.access import Guarded, acting
from admin_views.assets import address_of, asset
from admin_views.dashboard import Dashboard
from admin_views.formatters import icon, show, size
from admin_views.forms import blank_row
from admin_views.menu import Menu
from admin_views.notices import job_notices
from app.core.permissions import Permission

__all__ = ["GROUPS", "MODULES", "address_of", "home", "register", "route_permissions"]

# The order of the menu. A module offers `views()`; each view names its group itself.
MODULES: tuple[str, ...] = (
    "admin_views.clients",
    "admin_views.customers",
    "admin_views.perpetual",
    "admin_views.approvals",
    "admin_views.duplicates",
    "admin_views.deleted_customers",
    "admin_views.subscriptions",
    "admin_views.renewals",
    "admin_views.entitlement",
    "admin_views.authorizations",
    "admin_views.journals",
    "admin_views.packages",
    "admin_views.grants",
    "admin_views.consortia",
    "admin_views.invoices",
    "admin_views.direct_debit",
    "admin_views.returns",
    "admin_views.run_notices",
    "admin_views.mandates",
    "admin_views.mandate_attention",
    "admin_views.creditor_accounts",
    "admin_views.bank_reports",
    "admin_views.bank_entries",
    "admin_views.imports",
    "admin_views.exports",
    "admin_views.jobs",
    "admin_views.outgoing_mail",
    "admin_views.operators",
    "admin_views.roles",
    "admin_views.products",
    "admin_views.groups",
    "admin_views.stores",
    "admin_views.price_levels",
    "admin_views.security_questions",
)

GROUPS = ("Customers", "Subscriptions", "Accounting", "Data", "Administration")


def register(app: Flask) -> Admin:
    """Build the panel for one application; views belong to one application each."""
    headers.register(app)
    admin = Admin(
        name="Kontor",
        url="/admin",
        index_view=Dashboard(),
        theme=Theme(folder="bootstrap4", base_template="admin/base.html"),
        csp_nonce_generator=headers.csp_nonce,
    )
    for group in GROUPS:
        admin.add_category(group)
    for module in MODULES:
        for view in import_module(module).views():
            admin.add_view(view)
    admin.init_app(app)
    app.jinja_env.globals.update(
        asset=asset, icon=icon, show=show, blank_row=blank_row, actor=acting,
        address_of=address_of, Permission=Permission, file_size=size, job_notices=job_notices,
        menu=Menu(admin),
    )  # fmt: skip
    app.jinja_env.filters["show"] = show
    app.add_url_rule("/", "home", home)
    errors.register(app)
    return admin


def home() -> ResponseReturnValue:
    """The panel is the front door."""
    return redirect(url_for("admin.index"))


def route_permissions(app: Flask) -> dict[str, frozenset[Permission]]:
    """Every route of the panel by its endpoint, with the permissions of which one opens it."""
    found = {}
    for admin in app.extensions["admin"]:
        for view in admin._views:
            assert isinstance(view, Guarded)
            for _, name, _ in view._urls:
                found[f"{view.endpoint}.{name}"] = view.needed(name)
    return found
