"""The fields of a customer's shop account: nothing secret comes back to a page."""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from wtforms import BooleanField, PasswordField, SelectField, ValidationError

from admin_views.forms import Group, Longest
from app.core.text import clean
from app.customers.account_rules import LONGEST_ANSWER, password_problem
from app.customers.accounts import shortest_password
from app.customers.drafts import Credentials
from app.customers.models import Customer, SecurityQuestion
from app.customers.rules import FIELD_LABELS

ACCOUNT = Group(
    "Shop account",
    (
        "login_allowed", "suppress_registration_email", "password", "password_again",
        "security_question_id", "security_answer", "active", "restricted",
    ),
    hint="A new account gets an email with a link to choose a password.",
)  # fmt: skip
# Fields of the form that are no fields of the customers table.
SECRETS = frozenset({"password", "password_again", "security_answer"})
_AGAIN = "What was typed is not kept on this page: type it once more"


class SecretField(PasswordField):
    """A field whose value no page repeats; it says so where a form comes back."""

    @property
    def description(self) -> str:
        """The hint below the field."""
        return _AGAIN if self.raw_data and self.raw_data[0] else self._hint

    @description.setter
    def description(self, hint: str) -> None:
        self._hint = hint


class NewPassword:
    """The rules of customers' passwords; the operation asks the rest."""

    def __call__(self, form: Any, field: Any) -> None:
        problem = password_problem(field.data, shortest_password()) if field.data else None
        if problem:
            raise ValidationError(str(problem))


class SameAs:
    """The same as in the field before."""

    def __init__(self, other: str) -> None:
        self.other = other

    def __call__(self, form: Any, field: Any) -> None:
        if (form[self.other].data or "") != (field.data or ""):
            raise ValidationError("The two passwords differ")


def login_field() -> BooleanField:
    """Whether there is a shop account at all."""
    return BooleanField(FIELD_LABELS["login_allowed"], description="Needs an email address")


def suppress_field() -> BooleanField:
    """No email to a new account."""
    return BooleanField(
        FIELD_LABELS["suppress_registration_email"],
        description="The account then opens only after its recovery by Reset password",
    )


def restricted_field() -> BooleanField:
    """Out of the shop, not out of the books."""
    return BooleanField(
        FIELD_LABELS["restricted"],
        description="The customer cannot enter the shop account; orders taken here still work",
    )


def password_field() -> SecretField:
    """A password that an operator gives."""
    return SecretField(
        "Password",
        [NewPassword()],
        description="Blank leaves it as it is, or to the customer",
        render_kw={"autocomplete": "new-password", "data-reveal": "", "data-meter": "5"},
    )


def password_again_field() -> SecretField:
    """Its confirmation."""
    return SecretField(
        "Password once more",
        [SameAs("password")],
        render_kw={"autocomplete": "new-password", "data-reveal": ""},
    )


def question_field() -> SelectField:
    """One of the administrators' questions."""
    return SelectField(FIELD_LABELS["security_question_id"])


def answer_field() -> SecretField:
    """The answer; case, accents and needless blanks do not matter."""
    return SecretField(
        FIELD_LABELS["security_answer"],
        [Longest(LONGEST_ANSWER)],
        filters=(clean,),
        description="Stored so that nobody can read it; capitals and accents do not matter",
        render_kw={"autocomplete": "new-password", "data-reveal": ""},
    )


def set_questions(form: Any, session: Session, model: Customer | None) -> None:
    """Offer the active questions, and the customer's own where it is none of them any more."""
    own = model.security_question_id if model is not None else None
    rows = session.execute(
        select(SecurityQuestion.id, SecurityQuestion.question)
        .where(or_(SecurityQuestion.active, SecurityQuestion.id == own))
        .order_by(SecurityQuestion.question)
    )
    form.security_question_id.choices = [("", "none"), *((str(key), text) for key, text in rows)]
    form.password.render_kw = form.password.render_kw | {"data-meter": str(shortest_password())}
    if own is not None and model is not None and model.security_answer_hash:
        form.security_answer.description = "There is one; blank leaves it as it is"


def given_credentials(form: Any) -> Credentials | None:
    """What a valid form says of password and answer; None where it says nothing."""
    password = form.password.data if "password" in form else None
    answer = form.security_answer.data if "security_answer" in form else None
    if not password and not answer:
        return None
    return Credentials(password or None, answer or None)
