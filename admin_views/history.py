"""The History tab: what was changed, when, by whom, field by field."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import Any

from flask import render_template
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from admin_views.records import RecordTab
from app.audit.models import AuditEntry
from app.core.values import show_phone
from app.customers.rules import PHONES

ROWS = 25
DAYS = {"date_of_birth", "collection_hold_until", "collection_date", "term_from", "term_to"}
AMOUNTS = {"amount", "max_amount", "price"}
ABBREVIATIONS = {"bic", "iban", "id", "issn", "sms", "url", "vat"}


def history_tab(
    entity: str,
    of: Callable[[Any], list[ColumnElement[bool]]] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
) -> RecordTab:
    """The history of one record of a kind, newest first.

    `of` gives the conditions for a record that is told of otherwise than by its own id; entries
    of what belongs to it say what they are about. `labels` names the record's own fields.
    """

    def about(model: Any) -> list[ColumnElement[bool]]:
        if of is not None:
            return of(model)
        return [AuditEntry.entity == entity, AuditEntry.entity_id == model.id]

    def count(session: Session, model: Any) -> int:
        return session.scalar(select(func.count(AuditEntry.id)).where(*about(model))) or 0

    def render(view: Any, session: Session, model: Any, page: int) -> str:
        pages = max(1, ceil(count(session, model) / ROWS))
        page = min(page, pages)
        entries = session.scalars(
            select(AuditEntry)
            .where(*about(model))
            .order_by(AuditEntry.id.desc())
            .offset((page - 1) * ROWS)
            .limit(ROWS)
        ).all()
        return render_template(
            "admin/history.html",
            admin_view=view,
            entries=entries,
            entity=entity,
            page=page,
            pages=pages,
            tab_url=lambda number: view.get_url(
                ".tab_view", id=view.get_pk_value(model), tab="history", page=number
            ),
            words=lambda about, name: (
                (labels or {}).get(name, words(name)) if about == entity else words(name)
            ),
            value_in_words=value_in_words,
        )

    return RecordTab("history", "History", render, count, order=900)


def value_in_words(name: str, value: Any) -> Any:
    """A value as the pages show it: history keeps dates, amounts and phones as they are stored."""
    if not isinstance(value, str):
        return value
    if name in PHONES:
        return show_phone(value)
    try:
        if name in AMOUNTS:
            return Decimal(value)
        if name in DAYS or name.endswith("_on"):
            return date.fromisoformat(value)
        return datetime.fromisoformat(value) if name.endswith("_at") else value
    except (ValueError, InvalidOperation):
        return value


def words(name: str) -> str:
    """A field's name as people say it: postal_code -> Postal code."""
    text = " ".join(
        part.upper() if part in ABBREVIATIONS else part
        for part in name.removesuffix("_id").replace("_", " ").split()
    )
    return text[:1].upper() + text[1:]
