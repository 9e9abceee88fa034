"""Kontor, wired: create_app is the only place that knows every room."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import ROOT, Settings, kept_secret

OLDEST_SQLITE = (3, 40)


def create_app(settings: Settings | None = None, *, pages: bool = True) -> Flask:
    """Make the application, for a process that shows no page without the pages and their routes.

    Raises RuntimeError where it could not run safely.
    """
    from app.core.database import prepare_engine
    from app.core.storage import storage
    from app.extensions import db, limiter
    from app.outbox.transport import mail

    settings = settings or Settings.from_environment()
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise RuntimeError(
            f"Kontor needs SQLite 3.40 or newer; Python here has {sqlite3.sqlite_version}"
        )
    instance = Path(settings.instance).resolve()
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    app = Flask(
        "app",
        instance_path=str(instance),
        static_folder=str(ROOT / "app" / "static"),
        template_folder=str(ROOT / "templates"),
    )
    _configure(app, settings, instance)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    limiter.init_app(app)
    storage.open(settings.storage_url, instance)
    mail.open(settings, instance)
    _register_features(app)
    if pages:
        _register_pages(app)
    return app


def _configure(app: Flask, settings: Settings, instance: Path) -> None:
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key or kept_secret(instance, "secret_key"),
        SQLALCHEMY_DATABASE_URI=settings.database_address,
        MAX_CONTENT_LENGTH=settings.upload_megabytes * 1024 * 1024,
        # A customer with many addresses and authorizations is one form.
        MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024,
        MAX_FORM_PARTS=50_000,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        SESSION_COOKIE_NAME="kontor",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies or settings.production,
        # The session bounds a form's life; one left open over lunch must not be lost.
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_HEADERS_ENABLED=False,
        # Half a year: addresses of static files change with their content.
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=180),
    )


def _register_features(app: Flask) -> None:
    """Let each room make itself known to the mechanisms that serve it."""
    from app import cli
    from app.audit import visibility
    from app.billing import belongings as billing
    from app.billing import queries as invoices
    from app.billing import taking_back as invoices_back
    from app.catalogue import taking_back as catalogue_back
    from app.core.permissions import Permission
    from app.customers import accounts as customer_accounts
    from app.customers import iban_notices, taking_back
    from app.customers.guards import register_delete_guard
    from app.customers.queries import register_filter
    from app.institutions import belongings as institutions
    from app.jobs import (
        bank_reports,
        cleanup,
        collecting,
        duplicates,
        filing,
        grants,
        invoice_steps,
        mass_changes,
        renewals,
        returns,
        run_notices,
        worker,
    )
    from app.jobs import iban_notices as iban_jobs
    from app.sepa import belongings as sepa
    from app.sepa import taking_back as mandates_back
    from app.sepa.expiring import expire_mandates
    from app.sepa.invoice_filters import INVOICE_FILTERS
    from app.sepa.queries import CUSTOMERS_IN_COLLECTION, HAS_MANDATE, collections_under_way
    from app.subscriptions import belongings as subscriptions
    from app.subscriptions import taking_back as rights_back
    from app.transfer.exports import operations as exports
    from app.transfer.imports import operations as imports

    visibility.register(Permission.INVOICES_VIEW, "invoice")
    visibility.register(Permission.MANDATES_VIEW, "mandate")
    visibility.register(
        Permission.SUBSCRIPTIONS_VIEW,
        "subscription",
        "journal authorization",
        "perpetual rights",
        "rights statement",
    )
    customer_accounts.use_shortest_password(app.config["SETTINGS"].customer_password_length)
    iban_notices.use_recipients(app.config["SETTINGS"].iban_change_notify)
    iban_jobs.register()
    register_delete_guard(collections_under_way, CUSTOMERS_IN_COLLECTION)
    register_filter(HAS_MANDATE)
    for one_filter in INVOICE_FILTERS:
        invoices.register_filter(one_filter)
    for room in (customer_accounts, institutions, subscriptions, billing, sepa):
        room.register()
    for one in (taking_back, catalogue_back, invoices_back, mandates_back, rights_back):
        one.register()
    cleanup.add("expired_mandates", "Letting mandates expire", expire_mandates)
    imports.register()
    exports.register()
    mass_changes.register()
    grants.register()
    filing.register()
    renewals.register()
    returns.register()
    run_notices.register()
    invoice_steps.register()
    duplicates.register()
    bank_reports.register()
    collecting.register()
    worker.init_app(app, app.config["SETTINGS"])
    cli.register(app)


def _register_pages(app: Flask) -> None:
    import admin_views.registry
    from app.accounts import login
    from app.public import wiring as public

    login.register(app)
    admin_views.registry.register(app)
    public.register(app)
