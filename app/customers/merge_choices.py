"""What can be chosen when two customers are merged, and what is taken unless somebody chooses.

Pure functions over rows. Fields that only make sense together are one choice: a bank account is
taken whole, a consent with who set it and when.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.customers.rules import CONSENTS, FIELD_LABELS

# Never chosen: what identifies the row, what follows from other fields, and its state.
FIXED = frozenset(
    {"id", "version", "number", "kind", "created_at", "changed_at", "deleted_at", "merged_into_id",
     "email_key", "search_text", "sort_name", "name_key"}
)  # fmt: skip
BANK = "bank_account"
_TOGETHER: Mapping[str, tuple[str, Sequence[str]]] = {
    BANK: ("Bank account", ("iban", "bic", "institute", "account_holder")),
    "collection_hold": (
        "Collection hold",
        ("collection_hold", "collection_hold_until", "collection_hold_reason"),
    ),
    "lock": ("Lock", ("locked", "lock_text")),
    "shop_account": (
        "Shop account",
        (
            "login_allowed",
            "password_hash",
            "security_question_id",
            "security_answer_hash",
            "approval_state",
            "suppress_registration_email",
        ),
    ),
} | {name: (FIELD_LABELS[name], (name, f"{name}_set_at", f"{name}_set_by")) for name in CONSENTS}


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to take from the one or the other customer."""

    name: str
    label: str
    fields: tuple[str, ...]

    def differs(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Whether it matters which of the two is taken."""
        return any((one[name] or None) != (other[name] or None) for name in self.fields)


def choices(columns: Iterable[str]) -> list[Choice]:
    """Every choice that the columns of a customer give, in their order.

    A column that nobody thought of here is a choice of its own.
    """
    grouped = {name: group for group, (_, names) in _TOGETHER.items() for name in names}
    found: dict[str, Choice] = {}
    for column in columns:
        if column in FIXED:
            continue
        group = grouped.get(column, column)
        if group in _TOGETHER:
            label, fields = _TOGETHER[group]
            found.setdefault(group, Choice(group, label, tuple(fields)))
        else:
            label = FIELD_LABELS.get(column) or column.replace("_", " ").capitalize()
            found[group] = Choice(group, label, (column,))
    return list(found.values())


def takes_loser(choice: Choice, winner: Mapping[str, Any], loser: Mapping[str, Any]) -> bool:
    """Whether a choice starts on the loser's side.

    The winner's value stands, except: where only the loser has one; a consent that was set later
    (it is the customer's latest will); a lock or a collection hold, which no merge may lift; a shop
    account that alone can be logged in to.
    """
    if choice.name in CONSENTS:
        mine, theirs = winner[f"{choice.name}_set_at"], loser[f"{choice.name}_set_at"]
        return theirs is not None and (mine is None or theirs > mine)
    if choice.name in {"lock", "collection_hold", "shop_account"}:
        decisive = choice.fields[0]
        return bool(loser[decisive]) and not winner[decisive]
    if any(isinstance(winner[name], bool) for name in choice.fields):
        return False
    decisive = choice.fields[0]
    return _blank(winner[decisive]) and not _blank(loser[decisive])


def _blank(value: Any) -> bool:
    return value is None or value == ""


def merged_values(
    options: Sequence[Choice],
    from_loser: frozenset[str],
    winner: Mapping[str, Any],
    loser: Mapping[str, Any],
) -> dict[str, Any]:
    """The chosen values of the customer that stays.

    Without a former number it remembers the number of the one that goes.
    """
    values: dict[str, Any] = {}
    for option in options:
        source = loser if option.name in from_loser else winner
        values |= {name: source[name] for name in option.fields}
    values["former_number"] = values["former_number"] or loser["number"]
    return values
