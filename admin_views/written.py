"""What a form holds, as a browser would send it: the one shape in which forms are compared.

The form of an edit carries what it showed when it was opened, sealed: the history could not tell
it, since it masks bank details, names records instead of giving their numbers, and leaves out
what follows from other fields.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, FieldList, FileField, Form, FormField, PasswordField
from wtforms.fields.choices import SelectFieldBase, SelectMultipleField

from admin_views.forms import LookupField

FIELD = "_base"
Values = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a form showed when it was opened, and the last history entry there was then."""

    values: Values
    last_entry: int


def is_compared(field: Field) -> bool:
    """Passwords and files are nobody's to compare."""
    return not isinstance(field, PasswordField | FileField)


def is_rows(field: Field) -> bool:
    """Whether a field is a list of rows, each with several fields."""
    return isinstance(field, FieldList) and issubclass(field.unbound_field.field_class, FormField)


def fields_below(field: Field) -> Iterator[Field]:
    """The single fields of a field: itself, those of its rows, or those of its parts."""
    if isinstance(field, FieldList):
        for entry in field.entries:
            yield from fields_below(entry)
    elif isinstance(field, FormField):
        for inner in field:
            yield from fields_below(inner)
    elif is_compared(field):
        yield field


def values_of(form: Form) -> Values:
    """Everything a form holds, by the names that a browser would use."""
    return {one.name: written(one) for field in form for one in fields_below(field)}


def written(field: Field) -> list[str]:
    """What a browser would send of one field."""
    if isinstance(field, BooleanField):
        return ["y"] if field.data else []
    if isinstance(field, SelectMultipleField):
        return sorted(str(value) for value in field.data or ())
    if isinstance(field, SelectFieldBase) and not isinstance(field, LookupField):
        return [_chosen(field)]
    value = field._value() if hasattr(field, "_value") else field.data
    return ["" if value is None else _plain(str(value))]


def posted(values: Mapping[str, Sequence[str]]) -> MultiDict[str, str]:
    """Values as a form takes them from a request."""
    return MultiDict([(name, value) for name, several in values.items() for value in several])


def seal(view: str, key: Any, opened: Opened) -> str:
    """What a form showed, for its own hidden field: packed, and signed for this record."""
    return str(_serializer().dumps([view, str(key), opened.last_entry, opened.values]))


def unseal(raw: str | None, view: str, key: Any) -> Opened | None:
    """What the posted form had shown; None for what no page of ours has sent for this record."""
    try:
        endpoint, record, last_entry, values = _serializer().loads(raw or "")
    except (BadData, ValueError, TypeError):
        return None
    return Opened(values, last_entry) if [endpoint, record] == [view, str(key)] else None


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="kontor-form-opened")


def _chosen(field: SelectFieldBase) -> str:
    """The chosen value; a browser sends the first one where none is chosen."""
    offered = [(str(choice.value), choice.selected) for choice in field.iter_choices()]
    chosen = next((value for value, selected in offered if selected), None)
    return chosen if chosen is not None else (offered[0][0] if offered else "")


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\0", "").strip()
