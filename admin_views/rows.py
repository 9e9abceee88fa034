"""The rows of a list, drawn.

A page shows hundreds of cells. Each of them called from the template took half of the page's time,
so what a cell needs of its column is joined once for all rows, and the cells of a row here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from markupsafe import Markup, escape

from admin_views.actions import Action
from admin_views.formatters import Column


class Rows(Protocol):
    """What is asked of a view for its rows."""

    def get_pk_value(self, model: Any) -> Any: ...
    def record_url(self, row: Any) -> str: ...
    def headline(self, model: Any) -> str: ...
    def row_class(self, row: Any) -> str: ...
    def editable(self, model: Any) -> bool: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the template places it: the cells with their tags, the buttons at its end."""

    id: Any
    url: str
    name: Markup
    css: str
    editable: bool
    cells: Markup
    buttons: Markup


def drawn(
    view: Rows,
    rows: Sequence[Any],
    columns: Sequence[Column],
    suffix: str,
    actions: Sequence[Action],
    button: Callable[[Action], Markup],
) -> Iterator[Row]:
    """The rows of a page. `suffix` ends the address of each record.

    `button` draws one of the actions, with {row} where the row's own id belongs.
    """
    heads = [(column, *_tags(column)) for column in columns]
    buttons = [(action, button(action)) for action in actions]
    for row in rows:
        id_, url = view.get_pk_value(row), view.record_url(row) + suffix
        link = f'<a class="k-main" href="{escape(url)}">'
        cells = [
            f"{before}{link if column.main else ''}{escape(column.show(row))}{after}"
            for column, before, after in heads
        ]
        yield Row(
            id_,
            url,
            escape(view.headline(row)),
            view.row_class(row),
            view.editable(row),
            Markup("".join(cells)),  # noqa: S704 - every value is escaped above
            _for_row(buttons, row, id_),
        )


def _for_row(buttons: Sequence[tuple[Action, Markup]], row: Any, id_: Any) -> Markup:
    drawn = [str(html) for action, html in buttons if action.shown(row)]
    html = "".join(drawn).replace("{row}", str(id_))
    return Markup(html)  # noqa: S704 - a template has drawn it, and the key is a number


def _tags(column: Column) -> tuple[Markup, str]:
    """What stands before and behind the values of a column; the link of the main one follows."""
    css = ' class="k-number"' if column.numeric else ' class="k-main-cell"' if column.main else ""
    before = Markup('<td data-label="%s"%s>') % (column.label, Markup(css))  # noqa: S704 - constant
    return before, "</a></td>" if column.main else "</td>"
