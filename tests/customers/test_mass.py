"""One change of many customers: who changes, who has it already, who is refused, what is told."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Operator
from app.audit.models import Action, AuditEntry
from app.catalogue.models import Product, ProductKind
from app.core.actor import COMMAND_LINE, Actor
from app.core.errors import Conflict, NotAllowed, Problem, Refused
from app.core.listing import Criteria
from app.core.permissions import Permission
from app.customers import guards, mass
from app.customers.drafts import CustomerUpdate
from app.customers.mass import MassChange, MassKind, Outcome
from app.customers.mass_preview import preview
from app.customers.models import Customer, Group
from app.customers.operations import delete_customers, update_customers
from app.customers.queries import CLIENTS
from app.extensions import transaction
from tests import factories
from tests.customers.people import customer, history

Count = Callable[[Callable[[], object]], int]


def group(name: str) -> int:
    with transaction() as session:
        made = Group(name=name)
        session.add(made)
        session.flush()
        return made.id


def product(name: str, *, active: bool = True) -> int:
    with transaction() as session:
        made = Product(
            number=name[:10], name=name, kind=ProductKind.SERVICE, vat_rate=19, active=active
        )
        session.add(made)
        session.flush()
        return made.id


def change(kind: MassKind, value: object = None, *, of: list[int]) -> Outcome:
    with transaction() as session:
        return mass.change_customers(session, of, MassChange(kind, value), actor=COMMAND_LINE)


def read(session: Session, id_: int) -> Customer:
    session.rollback()
    return session.get_one(Customer, id_)


def test_a_group_is_assigned_and_only_who_has_another_one_is_touched(session: Session) -> None:
    old, new = group("Retail"), group("Library")
    one, other, none = customer(group_id=old), customer(group_id=new), customer()
    versions = {c.id: c.version for c in (one, other, none)}
    assert change(MassKind.GROUP, new, of=[*versions]) == Outcome(changed=2, same=1)
    assert {read(session, id_).group_id for id_ in versions} == {new}
    assert read(session, one.id).version == versions[one.id] + 1
    assert read(session, other.id).version == versions[other.id]
    assert [e.changes for e in history(session, one.id)][-1] == {"group_id": ["Retail", "Library"]}
    assert len(history(session, other.id)) == 1
    assert change(MassKind.GROUP, None, of=[one.id]) == Outcome(changed=1)
    assert read(session, one.id).group_id is None


def test_products_are_added_and_removed_and_the_history_tells_the_whole_lists(
    session: Session,
) -> None:
    hosting, training = product("Hosting"), product("Training")
    one, other = customer(product_ids=frozenset({training})), customer()
    ids = [one.id, other.id]
    assert change(MassKind.ADD_PRODUCT, hosting, of=ids) == Outcome(changed=2)
    assert change(MassKind.ADD_PRODUCT, training, of=ids) == Outcome(changed=1, same=1)
    assert change(MassKind.REMOVE_PRODUCT, hosting, of=ids) == Outcome(changed=2)
    assert [p.name for p in read(session, one.id).products] == ["Training"]
    assert [entry.changes for entry in history(session, one.id)][1:] == [
        {"products": [["Training"], ["Hosting", "Training"]]},
        {"products": [["Hosting", "Training"], ["Training"]]},
    ]
    assert read(session, one.id).version == 3


def test_the_newsletter_notes_who_switched_it_and_when(session: Session) -> None:
    one = customer()
    assert change(MassKind.NEWSLETTER, False, of=[one.id]) == Outcome(changed=1)
    row = read(session, one.id)
    assert (row.newsletter, row.newsletter_set_by) == (False, "command line")
    assert row.newsletter_set_at == row.changed_at
    assert change(MassKind.NEWSLETTER, False, of=[one.id]) == Outcome(same=1)


def test_customers_are_locked_unlocked_and_deleted(session: Session) -> None:
    one = customer()
    assert change(MassKind.LOCK, "Ask first", of=[one.id]).changed == 1
    assert read(session, one.id).lock_text == "Ask first"
    assert change(MassKind.UNLOCK, of=[one.id]).changed == 1
    assert read(session, one.id).lock_text is None
    assert change(MassKind.DELETE, of=[one.id]).changed == 1
    assert change(MassKind.DELETE, of=[one.id]) == Outcome()
    assert [entry.action for entry in history(session, one.id)] == [
        Action.CREATED, Action.LOCKED, Action.UNLOCKED, Action.DELETED
    ]  # fmt: skip


def test_the_dedicated_operator_is_assigned_and_taken_away(session: Session) -> None:
    somebody = factories.operator("operations", name="Olga").id
    one = customer()
    assert change(MassKind.OPERATOR, somebody, of=[one.id]).changed == 1
    assert read(session, one.id).dedicated_operator_id == somebody
    assert change(MassKind.OPERATOR, None, of=[one.id]).changed == 1


def test_whom_another_room_keeps_from_deletion_is_skipped_with_the_reason(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, other = customer(), customer()
    monkeypatch.setattr(guards, "_guards", {})
    guards.register_delete_guard(
        lambda work, ids: {kept.id: Problem("", "A collection is under way")},
        select(Customer.id).where(Customer.id == kept.id),
    )
    found = preview(session, CLIENTS, Criteria(), MassChange(MassKind.DELETE))
    assert (found.found, found.changing, found.refused) == (2, 1, 1)
    assert found.reasons == ["A collection is under way"]
    assert [one.number for one in found.samples] == [other.number]
    done = change(MassKind.DELETE, of=[kept.id, other.id])
    assert (done.changed, done.same) == (1, 0)
    assert [(one.number, one.reason) for one in done.refused] == [
        (kept.number, "A collection is under way")
    ]
    assert read(session, kept.id).deleted_at is None


def test_deleted_customers_are_not_touched(session: Session) -> None:
    one = customer()
    with transaction() as work:
        delete_customers(work, [one.id], actor=COMMAND_LINE)
    assert change(MassKind.NEWSLETTER, False, of=[one.id, 999_999]) == Outcome()


def test_somebody_who_had_the_form_open_is_told_and_loses_nothing(session: Session) -> None:
    one = customer()
    opened = one.version
    change(MassKind.NEWSLETTER, False, of=[one.id])
    with pytest.raises(Conflict), transaction() as work:
        update_customers(
            work, [CustomerUpdate(one.id, {"memo": "x"}, version=opened)], actor=COMMAND_LINE
        )


@pytest.mark.parametrize("kind", list(MassKind))
def test_each_change_needs_its_permission(session: Session, kind: MassKind) -> None:
    needed = Permission.CUSTOMERS_DELETE if kind is MassKind.DELETE else Permission.CUSTOMERS_EDIT
    actor = Actor("somebody", frozenset(Permission) - {needed}, COMMAND_LINE.channel)
    with pytest.raises(NotAllowed), transaction() as work:
        mass.change_customers(work, [], MassChange(kind), actor=actor)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("nothing", "1", "no such change"),
        ("group", "", "Choose the group first"),
        ("group", "1; DROP TABLE", "Choose the group first"),
        ("group", "9" * 5000, "Choose the group first"),
        ("group", "987654", "not there"),
        ("operator", "987654", "not there"),
        ("add_product", "none", "Choose the product first"),
        ("add_product", "-1", "Choose the product first"),
        ("newsletter", "maybe", "switch it on or off"),
        ("lock", " \n ", "Lock text is missing"),
        ("lock", "x" * 401, "longer than 400"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_reason(
    session: Session, kind: str, value: str, reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        mass.read_change(session, kind, value)


def test_nothing_is_assigned_that_is_out_of_use(session: Session) -> None:
    gone = factories.operator("operations", active=False).id
    old = product("Fax service", active=False)
    for kind, value in (("operator", gone), ("add_product", old)):
        with pytest.raises(Refused, match="not in use any more"):
            mass.read_change(session, kind, str(value))
    assert mass.read_change(session, "remove_product", str(old)).value == old


def test_the_preview_counts_and_shows_the_first_that_would_change(session: Session) -> None:
    old, new = group("Retail"), group("Library")
    customer(group_id=new, name="Aa")
    first, second = customer(group_id=old, name="Bb"), customer(name="Cc")
    customer(name="Dd", newsletter=False)
    found = preview(
        session, CLIENTS, Criteria(filters={"newsletter": "yes"}), MassChange(MassKind.GROUP, new)
    )
    assert (found.found, found.changing, found.same, found.refused) == (3, 2, 1, 0)
    assert {(one.number, one.old, one.new) for one in found.samples} == {
        (first.number, "Retail", "Library"),
        (second.number, "no group", "Library"),
    }


@pytest.mark.parametrize("kind", list(MassKind))
def test_every_change_has_words_and_a_preview_for_everybody_and_for_nobody(
    session: Session, kind: MassKind
) -> None:
    values = {
        MassKind.GROUP: group("Library"),
        MassKind.OPERATOR: factories.operator("operations").id,
        MassKind.ADD_PRODUCT: product("Hosting"),
        MassKind.REMOVE_PRODUCT: product("Training"),
        MassKind.NEWSLETTER: False,
        MassKind.LOCK: "Ask first",
    }
    wanted = MassChange(kind, values.get(kind))
    assert len(mass.in_words(session, wanted)) > 3
    assert preview(session, CLIENTS, Criteria(), wanted).found == 0
    ids = [customer().id for _ in range(3)]
    found = preview(session, CLIENTS, Criteria(), wanted)
    assert found.changing + found.same == found.found == 3
    done = change(kind, values.get(kind), of=ids)
    assert (done.changed, done.same) == (found.changing, found.same)


def test_many_customers_take_as_many_statements_as_a_few(session: Session, queries: Count) -> None:
    library = group("Library")
    few, many = [customer().id for _ in range(20)], [customer().id for _ in range(200)]
    hosting = product("Hosting")
    for kind, value in ((MassKind.GROUP, library), (MassKind.ADD_PRODUCT, hosting)):
        counts = [queries(partial(change, kind, value, of=ids)) for ids in (few, many)]
        assert counts[0] == counts[1]
    assert session.scalar(select(Operator.id).limit(1)) is None
    assert len(session.scalars(select(AuditEntry.id)).all()) == 3 * 220
