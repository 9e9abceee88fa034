"""Operators: who may log in, with which roles, where. They are deactivated, never deleted."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from wtforms import (
    BooleanField,
    PasswordField,
    RadioField,
    SelectMultipleField,
    ValidationError,
)

from admin_views.access import acting, needs
from admin_views.actions import Action
from admin_views.base import KontorView
from admin_views.formatters import Badge, Column, day, zone
from admin_views.forms import Group, KontorForm, Longest, Required, TextField
from admin_views.history import history_tab
from admin_views.records import RecordTab, Section
from app.accounts import (
    invitations,
    links,
    operations,
    operations_sessions,
    operations_two_factor,
    queries,
)
from app.accounts.models import Operator, Role
from app.accounts.rules import SHORTEST_PASSWORD, browser_in_words
from app.accounts.sessions import begun_after
from app.accounts.two_factor import is_required_of
from app.core import clock
from app.core.actor import Actor
from app.core.errors import KontorError
from app.core.filters import identifier
from app.core.listing import Listing
from app.core.permissions import Permission
from app.extensions import db, transaction

INVITE = "invite"
_PASSWORD_HINT = f"At least {SHORTEST_PASSWORD} characters; several words are easy to remember"


class NewOperatorForm(KontorForm):
    """A new operator."""

    groups = (
        Group("Operator", ("email", "name", "roles", "active"), wide=("roles",)),
        Group("Log-in", ("begin", "password", "password_again"), wide=("begin",)),
    )

    email = TextField("Email", [Required(), Longest(255)], render_kw={"type": "email"})
    name = TextField("Name", [Longest(120)], description="As colleagues and the history name them")
    roles = SelectMultipleField("Roles", [Required()])
    # The stylesheet shows the passwords only where one is to be set.
    begin = RadioField(
        "Password",
        choices=[
            (INVITE, "Send an invitation: the operator chooses it by a link, within 7 days"),
            ("password", "Set it now and tell the operator"),
        ],
        default=INVITE,
    )
    password = PasswordField(
        "Password", description=_PASSWORD_HINT, render_kw={"autocomplete": "new-password"}
    )
    password_again = PasswordField("Password once more", render_kw={"autocomplete": "new-password"})

    def validate_password(self, field: Any) -> None:
        """One has to be typed where it is to be set now."""
        if self.begin is not None and self.begin.data == "password" and not field.data:
            raise ValidationError("Password is missing")

    def validate_password_again(self, field: Any) -> None:
        """Both have to be the same, where they count."""
        counts = self.begin is None or self.begin.data != INVITE
        if counts and (self.password.data or "") != (field.data or ""):
            raise ValidationError("The two passwords differ")


class OperatorForm(NewOperatorForm):
    """An operator there is."""

    begin = None
    active = BooleanField("Active", description="Who is not active cannot log in")
    password = PasswordField(
        "New password",
        description=f"Blank leaves the old one. {_PASSWORD_HINT}; it ends all sessions",
        render_kw={"autocomplete": "new-password"},
    )


def _count_sessions(session: Session, model: Operator) -> int:
    return queries.count_live_sessions(session, model.id, begun_after())


def _show_sessions(view: Any, session: Session, model: Operator, page: int) -> str:
    return render_template(
        "accounts/sessions_tab.html",
        admin_view=view,
        model=model,
        sessions=queries.live_sessions(session, model.id, begun_after()),
        in_words=browser_in_words,
    )


def _invite_again(
    session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor
) -> str:
    for operator_id in ids:
        operator = session.get_one(Operator, operator_id)
        invitations.send(session, operator, actor=actor)
    return f"An invitation to {operator.email} is on its way. Links sent before no longer count."


def _reset_two_factor(
    session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor
) -> str:
    for operator_id in ids:
        operator = operations_two_factor.reset(session, operator_id, actor=actor)
    return f"The two-factor log-in of {operator} was reset, and all sessions were ended."


def _end_sessions(
    session: Session, ids: list[int], answers: Mapping[str, str], actor: Actor
) -> str:
    ended = sum(operations_sessions.end_all(session, one, actor=actor) for one in ids)
    return "One session was ended." if ended == 1 else f"{ended} sessions were ended."


class OperatorsView(KontorView):
    """The list of operators."""

    model_class = Operator
    label, singular = "Operators", "operator"
    menu_group, icon, endpoint_name = "Administration", "user-circle", "operators"
    permissions = dict.fromkeys(("view", "create", "edit"), Permission.OPERATORS_MANAGE) | {
        "export": Permission.EXPORT
    }
    export_kind = "operators"
    columns = (
        Column("name", "Name", lambda one: str(one), main=True, filter="name"),
        Column("email", "Email", sort="email", filter="email"),
        Column("roles", "Roles", lambda one: role_badges(one), filter="role"),
        Column("active", "State", lambda one: state_badge(one), filter="state"),
        Column("two_factor", "Two-factor", lambda one: two_factor_state(one)),
        Column("last_login_at", "Last log-in"),
        Column("created_at", "Created", lambda one: local_day(one.created_at), sort="created"),
    )
    heading_filters = True
    form_class = OperatorForm
    create_form_class = NewOperatorForm
    search_hint = "Name or email of an operator"
    empty_hint = "Operators log in to this panel."
    actions = (
        Action(
            "invite",
            "Send invitation again",
            Permission.OPERATORS_MANAGE,
            _invite_again,
            icon="mail",
            places=frozenset({"record"}),
            shown=lambda one: one.invited and one.active,
        ),
        Action(
            "reset_two_factor",
            "Reset two-factor log-in",
            Permission.OPERATORS_MANAGE,
            _reset_two_factor,
            icon="device-mobile",
            confirm="For a lost phone: the password alone opens Kontor then, until a new phone is "
            "set up. All sessions of this operator end.",
            danger=True,
            places=frozenset({"record"}),
            shown=lambda one: one.has_two_factor,
        ),
        Action(
            "end_sessions",
            "End sessions",
            Permission.OPERATORS_MANAGE,
            _end_sessions,
            icon="logout",
            confirm="Log this operator out everywhere?",
            danger=True,
            places=frozenset({"record"}),
            shown=lambda one: not one.invited,
        ),
    )
    tabs = (
        RecordTab("sessions", "Sessions", _show_sessions, _count_sessions, order=500),
        history_tab(
            "operator",
            labels={"fs_uniquifier": "Sessions", "demo": "Demo log-in", "created_at": "Created"},
        ),
    )

    def listing(self) -> Listing:
        """All operators."""
        return queries.OPERATORS

    def record_options(self) -> Sequence[Any]:
        """With their roles."""
        return (selectinload(Operator.roles),)

    @expose("/end-session/", methods=("POST",))
    @needs(Permission.OPERATORS_MANAGE)
    def end_session(self) -> ResponseReturnValue:
        """End one session of an operator."""
        model = self.record_or_404()
        back = self.get_url(".details_view", id=model.id, tab="sessions")
        try:
            with transaction() as session:
                operations_sessions.end_one(
                    session, model.id, identifier(request.form.get("session", "")), actor=acting()
                )
        except ValueError:
            flash("Choose a session of the list.", "warning")
        except KontorError as error:
            flash(str(error), "warning")
        else:
            flash("The session was ended.", "success")
        return redirect(back, 303)

    def subtitle(self, model: Operator) -> str:
        """The email, where the name stands above it."""
        return model.email

    def badges(self, model: Operator) -> list[Badge]:
        """State and roles."""
        return [state_badge(model), *role_badges(model)]

    def sections(self, model: Operator) -> list[Section]:
        """Who it is, and what the roles allow."""
        lines = [(column.label, column.of(model)) for column in self.columns]
        if model.invited:
            lines.append(("Invitation", invitation_state(model)))
        return [Section("Operator", lines)]

    def prepare_form(self, form: Any, model: Operator | None) -> None:
        """The roles there are."""
        names = db.session().scalars(select(Role.name).order_by(Role.name))
        form.roles.choices = [(name, name.capitalize()) for name in names]

    def form_data(self, model: Operator) -> Mapping[str, Any]:
        """Everything but the password."""
        return {
            "email": model.email,
            "name": model.name,
            "active": model.active,
            "roles": [role.name for role in model.roles],
        }

    def perform_create(self, session: Session, form: Any, actor: Actor) -> Operator:
        """A new operator, who is invited or can log in at once."""
        if form.begin.data == INVITE:
            return operations.invite_operator(
                session,
                email=form.email.data,
                name=form.name.data or "",
                roles=form.roles.data,
                actor=actor,
            )[0]
        return operations.create_operator(
            session,
            email=form.email.data,
            name=form.name.data or "",
            roles=form.roles.data,
            password=form.password.data,
            actor=actor,
        )

    def perform_update(self, session: Session, model: Any, form: Any, actor: Actor) -> None:
        """An operator as the form says."""
        operations.update_operator(
            session,
            model,
            email=form.email.data,
            name=form.name.data or "",
            active=form.active.data,
            roles=form.roles.data,
            password=form.password.data or "",
            actor=actor,
        )


def state_badge(operator: Operator) -> Badge:
    """Whether the operator may log in."""
    if not operator.active:
        return Badge("Inactive", "grey", "ban")
    return Badge("Invited", "yellow", "mail") if operator.invited else Badge("Active", "green")


def local_day(moment: datetime) -> date:
    """The day of a moment as the company's clocks say."""
    return moment.astimezone(zone()).date()


def invitation_state(operator: Operator) -> str:
    """What became of the link that an operator was invited by."""
    link = queries.last_invitation(db.session(), operator.id)
    if link is None or link.ended_at is not None or not links.still_at(link, operator.email):
        return "No longer counts: send it again"
    if link.expires_at <= clock.now():
        return "Too old by now: send it again"
    return f"Good until {day(local_day(link.expires_at))}, sent to {link.sent_to}"


def two_factor_state(operator: Operator) -> Badge | bool:
    """Whether a code of the phone is asked for at the log-in, and whether it should be."""
    if not operator.has_two_factor and is_required_of(operator):
        return Badge("Required, not set up", "orange", "alert-triangle")
    return operator.has_two_factor


def role_badges(operator: Operator) -> list[Badge]:
    """The roles."""
    return [Badge(role.name.capitalize(), "blue") for role in operator.roles]


def views() -> list[KontorView]:
    """The views of this module."""
    return [OperatorsView()]
