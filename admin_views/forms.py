"""Forms of the panel: groups of fields, values kept as typed, problems placed at their field.

class StoreForm(KontorForm):
    groups = (Group("Store", ("name", "active")),)
    name = TextField("Name", [Required(), Longest(80)], description="As customers know it")
    active = BooleanField("Active", default=True)

`description` is the hint below the field. A field named in a group's `wide` takes both columns.
FieldList(FormField(RowForm)) becomes repeated rows with Add and Remove; such a RowForm is a
KontorForm as well. Fields that a person may not change are left out (`del form.iban`), never
disabled: a disabled field is accepted when it is posted all the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wtforms import (
    Field,
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectField,
    StringField,
    ValidationError,
)
from wtforms.fields.choices import SelectFieldBase
from wtforms.validators import StopValidation

from app.core.errors import Problem
from app.core.text import clean

INDEX = "__index__"


@dataclass(frozen=True, slots=True)
class Group:
    """A titled group of fields. `wide` ones take the whole width."""

    title: str
    fields: Sequence[str]
    hint: str = ""
    wide: Sequence[str] = ()


class _Words:
    """What the library says of choices, in words that help: mostly it was deleted meanwhile."""

    GONE = "This is not, or no longer, among the choices"

    def gettext(self, text: str) -> str:
        return self.GONE if text == "Not a valid choice." else text

    def ngettext(self, one: str, many: str, number: int) -> str:
        return self.GONE if "valid choice" in one else (one if number == 1 else many)


class KontorForm(Form):
    """A form of the panel. Forgery protection is the application's, not the form's."""

    class Meta:
        """The library's own messages in our words."""

        def get_translations(self, form: Form) -> _Words:
            return _Words()

    groups: Sequence[Group] = ()

    def shown_groups(self) -> list[tuple[Group, list[Field]]]:
        """The groups with those of their fields that this form has; what is in none comes last."""
        named = {name for group in self.groups for name in group.fields}
        found = [(group, [self[n] for n in group.fields if n in self]) for group in self.groups]
        rest = [field for field in self if field.short_name not in named]
        if rest:
            found.append((Group("", ()), rest))
        return [(group, fields) for group, fields in found if fields]

    def place(self, problems: Iterable[Problem]) -> list[Problem]:
        """Put each problem at its field; give back those that have none here."""
        fields = {field.name: field for field in leaves(self)}
        lists = {field.name: field for field in self if isinstance(field, FieldList)}
        left = []
        for problem in problems:
            field = fields.get(problem.field) or lists.get(problem.field)
            if field is None:
                left.append(problem)
            else:
                field.errors = [*field.errors, problem]
        return left

    def faults(self) -> list[tuple[str, str, str]]:
        """Everything that is wrong, down the page: id of the field, its label, the reason."""
        found = []
        for field in (field for _, fields in self.shown_groups() for field in fields):
            for leaf in _below(field):
                found += [(leaf.id, full_label(leaf), str(error)) for error in leaf.errors]
            if isinstance(field, FieldList):
                found += [
                    (field.id, field.label.text, str(error))
                    for error in field.errors
                    if isinstance(error, str | Problem)
                ]
        return found


class TextField(StringField):
    """A line of text without blanks around it and control characters; nothing typed is None."""

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            self.data = clean(valuelist[0])


class ParsedField(StringField):
    """Text read by a parser of app.core.values. What was typed stays, also when it is wrong.

    `parse` gets the text and raises an error with a reason; `display` writes a value back.
    """

    def __init__(
        self,
        label: str | None = None,
        validators: Sequence[Any] = (),
        *,
        parse: Callable[[str], Any],
        display: Callable[[Any], str] = str,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.parse = parse
        self.display = display

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.display(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        raw = valuelist[0].replace("\0", "").strip()
        self.data = None
        if raw:
            try:
                self.data = self.parse(raw)
            except ValueError as error:
                hint = getattr(error, "hint", "")
                reason = getattr(error, "reason", str(error))
                raise ValueError(f"{reason}. {hint}" if hint else reason) from error


class LookupField(SelectField):
    """One record of another table, found while typing. `lookup` names one of the view's lookups."""

    def __init__(
        self,
        label: str | None = None,
        validators: Sequence[Any] = (),
        *,
        lookup: str,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("coerce", _optional_id)
        super().__init__(label, validators, choices=[], validate_choice=False, **kwargs)
        self.lookup = lookup


class Required:
    """Something has to be given; the label carries an asterisk."""

    field_flags = {"required": True}

    def __call__(self, form: Form, field: Field) -> None:
        # Signs that nobody sees are nothing given: the field itself has dropped them already.
        given = field.raw_data and any(
            not isinstance(value, str) or clean(value) for value in field.raw_data
        )
        if not given:
            raise StopValidation(f"{field.label.text} is missing")


class Longest:
    """At most so many characters; a line break counts as one. Refused with the count, never cut."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.field_flags = {"maxlength": limit}

    def __call__(self, form: Form, field: Field) -> None:
        length = len((field.data or "").replace("\r\n", "\n"))
        if length > self.limit:
            raise ValidationError(
                f"{field.label.text} has {length} characters; at most {self.limit} are allowed"
            )


def choices_of(names: Iterable[Any], empty: str | None = None) -> list[tuple[str, str]]:
    """The choices of a select field for a StrEnum; `empty` is the text of choosing nothing."""
    first = [("", empty)] if empty is not None else []
    return first + [(str(name), str(name)[:1].upper() + str(name)[1:]) for name in names]


def leaves(form: Form) -> Iterator[Field]:
    """Every single field of a form, also inside repeated rows."""
    for field in form:
        yield from _below(field)


def full_label(field: Field) -> str:
    """The label of a field, with the number of its row where there are several."""
    parts = field.name.split("-")
    number = next((part for part in reversed(parts[:-1]) if part.isdigit()), None)
    return f"{field.label.text} ({int(number) + 1})" if number is not None else field.label.text


def blank_row(field: FieldList) -> Field:
    """An empty row of a repeated group, from which the page makes new ones."""
    options = {
        "name": f"{field.name}-{INDEX}",
        "id": f"{field.id}-{INDEX}",
        "_meta": field.meta,
        "translations": field._translations,
    }
    row: Field = field.meta.bind_field(field._form, field.unbound_field, options)
    row.process(None)
    return row


def in_words_of(field: Field, view: Any) -> Any:
    """What a field holds, as people read it; `view` knows the labels of its lookups."""
    if isinstance(field, FieldList):
        return [in_words_of(entry, view) for entry in field.entries]
    if isinstance(field, FormField):
        parts = [
            inner.label.text if inner.data is True else in_words_of(inner, view)
            for inner in field
            if not isinstance(inner, HiddenField)
        ]
        return ", ".join(str(part) for part in parts if part not in (None, "", False))
    if isinstance(field, LookupField):
        return view.lookup_label(field.lookup, field.data) if field.data is not None else None
    if isinstance(field, ParsedField):
        return field._value()
    if isinstance(field, SelectFieldBase):
        given = field.data if isinstance(field.data, list) else [field.data]
        labels = {str(choice.value): choice.label for choice in field.iter_choices()}
        found = [labels.get(str(value), value) for value in given if value is not None]
        return found if isinstance(field.data, list) else next(iter(found), None)
    return field.data


def _below(field: Field) -> Iterator[Field]:
    if isinstance(field, FormField):
        for inner in field:
            yield from _below(inner)
    elif isinstance(field, FieldList):
        for entry in field.entries:
            yield from _below(entry)
    else:
        yield field


def _optional_id(raw: Any) -> int | None:
    if raw in (None, "", "None"):
        return None
    value = int(raw)
    if not 0 < value < 2**63:
        raise ValueError("no such record")
    return value
