"""What somebody wants a customer to become: the input of the operations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a customer proves the shop account with, in plain words; the operation hashes it.

    What is None stays as it is. Neither is shown where the draft is printed.
    """

    password: str | None = field(default=None, repr=False)
    security_answer: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CustomerDraft:
    """A customer to be made.

    `values` are fields of the customers table; missing ones get their defaults. `addresses` and
    `companies` are fields of their tables; the first address of a kind becomes its default.
    """

    kind: str
    values: Mapping[str, Any]
    addresses: Sequence[Mapping[str, Any]] = ()
    companies: Sequence[Mapping[str, Any]] = ()
    product_ids: frozenset[int] = field(default_factory=frozenset)
    credentials: Credentials | None = None


@dataclass(frozen=True, slots=True)
class CustomerUpdate:
    """Changes of one customer; whatever is None or not named stays as it is.

    `addresses` and `companies` replace all there are; those that bear an `id` are kept and
    changed. `version` is the one that the editor saw: a later one is a conflict.
    """

    id: int
    values: Mapping[str, Any] = field(default_factory=dict)
    addresses: Sequence[Mapping[str, Any]] | None = None
    companies: Sequence[Mapping[str, Any]] | None = None
    product_ids: frozenset[int] | None = None
    credentials: Credentials | None = None
    version: int | None = None

    @property
    def given(self) -> set[str]:
        """What is to be changed: names of fields, and of what belongs to the customer."""
        parts = ("addresses", "companies", "product_ids", "credentials")
        return {*self.values, *(name for name in parts if getattr(self, name) is not None)}
