"""The security questions that shop customers choose from."""

from typing import Any

from sqlalchemy.orm import Session
from wtforms import BooleanField

from admin_views.base import KontorView
from admin_views.formatters import Badge, Column
from admin_views.forms import Group, KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from app.core.actor import Actor
from app.core.listing import Listing
from app.core.permissions import Permission
from app.customers import operations_reference as operations
from app.customers.models import SecurityQuestion
from app.customers.queries_reference import QUESTIONS


class QuestionForm(KontorForm):
    """A security question."""

    groups = (Group("Security question", ("question", "active"), wide=("question",)),)

    question = TextField(
        "Question",
        [Required(), Longest(200)],
        description="Something only the customer knows, and does not forget",
    )
    active = BooleanField(
        "Active", default=True, description="Inactive questions are no longer offered"
    )


class QuestionsView(KontorView):
    """The list of security questions."""

    model_class = SecurityQuestion
    label, singular = "Security questions", "security question"
    menu_group, icon, endpoint_name = "Administration", "help-circle", "security_questions"
    permissions = dict.fromkeys(
        ("view", "create", "edit", "delete"), Permission.SETTINGS_MANAGE
    ) | {"export": Permission.EXPORT}
    export_kind = "security_questions"
    columns = (
        Column("question", "Question", sort="question", main=True),
        Column("active", "Active", filter="active"),
    )
    form_class = QuestionForm
    search_hint = "Part of a question"
    empty_hint = "Customers choose one of these to recover their account in the shop."
    tabs = (history_tab("security question"),)

    def listing(self) -> Listing:
        return QUESTIONS

    def badges(self, model: SecurityQuestion) -> list[Badge]:
        return [] if model.active else [Badge("Inactive")]

    def perform_create(self, session: Session, form: Any, actor: Actor) -> SecurityQuestion:
        return operations.save_security_question(session, None, **form.data, actor=actor)

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        operations.save_security_question(session, model, **form.data, actor=actor)

    def perform_delete(self, session: Session, ids: list[int], actor: Actor) -> None:
        operations.delete_security_questions(session, ids, actor=actor)


def views() -> list[KontorView]:
    """The views of this module."""
    return [QuestionsView()]
