"""Two-factor log-in of an operator: set up, used, given new recovery codes, removed, reset."""

import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.accounts import operations_sessions as sessions
from app.accounts import rules
from app.accounts.models import Operator
from app.audit import operations as audit
from app.audit.models import Action
from app.core import clock
from app.core.actor import Actor
from app.core.errors import NotAllowed, NotFound, Refused
from app.core.permissions import Permission

METHOD = "authenticator"


def set_up(
    session: Session,
    operator_id: int,
    *,
    secret: str,
    counter: int,
    codes: Sequence[str],
    actor: Actor,
) -> None:
    """Ask for codes at the log-in from now on.

    `secret` and recovery `codes` come encrypted; `counter` is that of the code that proved the
    secret, which is used up by it. What was set up before is replaced.
    """
    operator = _own(session, operator_id, actor)
    operator.tf_primary_method = METHOD
    operator.tf_totp_secret = secret
    operator.tf_last_counter = counter
    operator.tf_set_up_at = clock.now()
    operator.mf_recovery_codes = list(codes)
    _record(session, operator, Action.TWO_FACTOR_SET_UP, actor)


def remove(session: Session, operator_id: int, *, required: frozenset[str], actor: Actor) -> None:
    """Log in with the password alone again. Raises Refused where a role requires the codes."""
    operator = _own(session, operator_id, actor)
    names = [role.name for role in operator.roles]
    if rules.must_set_up_two_factor(names, required, has=False):
        raise Refused.because("Your role requires two-factor log-in")
    _forget(operator)
    _record(session, operator, Action.TWO_FACTOR_REMOVED, actor)


def reset(session: Session, operator_id: int, *, actor: Actor) -> Operator:
    """Take back another's two-factor log-in, whose phone is lost, and end the person's sessions.

    Raises Refused if there is none, and for one's own: that asks for the password.
    """
    actor.require(Permission.OPERATORS_MANAGE)
    operator = _locked(session, operator_id)
    if actor.operator_id == operator.id:
        raise Refused.because(
            "This is your own log-in", hint="Use Two-factor log-in in your menu at the top"
        )
    if not operator.has_two_factor:
        raise Refused.because(f"{operator} has no two-factor log-in")
    _forget(operator)
    operator.fs_uniquifier = uuid.uuid4().hex
    sessions.close_all(session, operator.id, by=actor.label)
    _record(session, operator, Action.TWO_FACTOR_RESET, actor)
    return operator


def renew_recovery_codes(
    session: Session, operator_id: int, *, codes: Sequence[str], actor: Actor
) -> None:
    """Put new (encrypted) recovery codes in the place of the old ones."""
    operator = _own(session, operator_id, actor)
    if not operator.has_two_factor:
        raise Refused.because("Two-factor log-in is not set up")
    operator.mf_recovery_codes = list(codes)
    _record(session, operator, Action.RECOVERY_CODES_MADE, actor)


def take_counter(session: Session, operator_id: int, counter: int) -> bool:
    """Use up a code of the app by its counter; False if it, or a later one, was used before.

    One statement judges and notes, so that of two log-ins with one code a single one succeeds.
    """
    taken = session.execute(
        update(Operator)
        .where(
            Operator.id == operator_id,
            or_(Operator.tf_last_counter.is_(None), Operator.tf_last_counter < counter),
        )
        .values(tf_last_counter=counter)
        .returning(Operator.id)
        .execution_options(synchronize_session=False)
    )
    return taken.first() is not None


def take_recovery_code(
    session: Session, operator_id: int, matches: Callable[[str], bool], *, actor: Actor
) -> bool:
    """Use up a recovery code, told by `matches(encrypted)`; False if none is that one."""
    operator = _locked(session, operator_id)
    codes = operator.mf_recovery_codes or []
    left = [one for one in codes if not matches(one)]
    if len(left) == len(codes):
        return False
    operator.mf_recovery_codes = left
    session.flush()
    audit.record(
        session,
        actor=actor,
        action=Action.RECOVERY_CODE_USED,
        entity="operator",
        entity_id=operator.id,
        entity_label=str(operator),
        changes={"recovery_codes_left": [len(codes), len(left)]},
    )
    return True


def _own(session: Session, operator_id: int, actor: Actor) -> Operator:
    if actor.operator_id != operator_id:
        raise NotAllowed("You can change your own log-in only.")
    return _locked(session, operator_id)


def _locked(session: Session, operator_id: int) -> Operator:
    """The operator as it is now, held against others until the transaction ends."""
    found = session.scalar(
        select(Operator)
        .where(Operator.id == operator_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("This operator is no longer there.")
    return found


def _forget(operator: Operator) -> None:
    operator.tf_primary_method = operator.tf_totp_secret = None
    operator.tf_last_counter = operator.tf_set_up_at = operator.mf_recovery_codes = None


def _record(session: Session, operator: Operator, action: Action, actor: Actor) -> None:
    session.flush()
    audit.record(
        session,
        actor=actor,
        action=action,
        entity="operator",
        entity_id=operator.id,
        entity_label=str(operator),
    )
