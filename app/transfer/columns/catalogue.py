"""The columns of journals (KBART, phases I and II) and of products with their price list."""

from collections.abc import Sequence
from typing import Any

from app.catalogue.models import ProductKind
from app.core.permissions import Permission
from app.transfer.columns import parsers
from app.transfer.columns.base import Column, Form, Parse, RowContext, SheetSpec, WorkbookSpec

_SERIAL_WORDS = {"serial": "serial", "journal": "serial"}


def _kbart(label: str, parse: Parse, note: str = "", **more: object) -> Column:
    return Column(label, label, parse, note=note, width=max(14, len(label) + 2), **more)  # type: ignore[arg-type]


def _issn(raw: Any, label: str, context: RowContext) -> str:
    """An ISSN, spoken of by its own name: print_identifier is a heading, not a word."""
    return parsers.issn(raw, "ISSN", context)


_DATE_NOTE = "A year, a month or a day: 2010, 2010-03 or 2010-03-15."

JOURNALS = WorkbookSpec(
    "journals",
    "Journals",
    "Journals with their coverage as a KBART file, or as a workbook with the same headings.",
    (
        SheetSpec(
            "Journals",
            (
                _kbart(
                    "publication_title",
                    parsers.text(500),
                    required=True,
                    example="4OR : A Quarterly Journal of Operations Research",
                ),
                _kbart(
                    "print_identifier",
                    _issn,
                    "The ISSN of the print edition.",
                    example="1619-4500",
                ),
                _kbart(
                    "online_identifier",
                    _issn,
                    "The ISSN of the online edition.",
                    example="1614-2411",
                ),
                _kbart(
                    "date_first_issue_online",
                    parsers.coverage_date,
                    _DATE_NOTE,
                    form=Form.COVERAGE,
                    example="2003",
                ),
                _kbart("num_first_vol_online", parsers.text(20)),
                _kbart("num_first_issue_online", parsers.text(20)),
                _kbart(
                    "date_last_issue_online",
                    parsers.coverage_date,
                    _DATE_NOTE + " Blank is to the present.",
                    form=Form.COVERAGE,
                ),
                _kbart("num_last_vol_online", parsers.text(20)),
                _kbart("num_last_issue_online", parsers.text(20)),
                _kbart("title_url", parsers.text(500)),
                _kbart("first_author", parsers.text(255)),
                _kbart("title_id", parsers.text(80)),
                _kbart("embargo_info", parsers.text(40), "P2Y and the like."),
                _kbart(
                    "coverage_depth", parsers.text(40), "fulltext, selected articles, abstracts."
                ),
                _kbart("notes", parsers.text(2000), aliases=("coverage_notes",)),
                _kbart("publisher_name", parsers.text(255)),
                _kbart(
                    "publication_type",
                    parsers.one_of(_SERIAL_WORDS),
                    "serial: only journals are taken.",
                    example="serial",
                ),
                _kbart("date_monograph_published_print", parsers.text(40)),
                _kbart("date_monograph_published_online", parsers.text(40)),
                _kbart("monograph_volume", parsers.text(40)),
                _kbart("monograph_edition", parsers.text(40)),
                _kbart("first_editor", parsers.text(255)),
                _kbart("parent_publication_title_id", parsers.text(80)),
                _kbart("preceding_publication_title_id", parsers.text(80)),
                _kbart(
                    "access_type",
                    parsers.one_of({"P": "P", "F": "F"}),
                    "P is paid, F is free.",
                    example="P",
                ),
            ),
            "journal coverage",
        ),
    ),
    Permission.CATALOGUE_IMPORT,
)


def products_workbook(price_levels: Sequence[str]) -> WorkbookSpec:
    """Products and services, with one price column for each price level there is."""
    prices = tuple(
        Column(
            f"Price {level}",
            f"price:{level}",
            parsers.amount,
            form=Form.AMOUNT,
            width=12,
            example="12.50",
            note=f"In euros before tax, at price level {level}.",
        )
        for level in price_levels
    )
    return WorkbookSpec(
        "products",
        "Products and services",
        "What customers use or order, with a price for each price level.",
        (
            SheetSpec(
                "Products",
                (
                    Column(
                        "Number",
                        "number",
                        parsers.text(40),
                        required=True,
                        hints=("Artikelnummer", "Produktnummer", "SKU", "Item number"),
                        width=14,
                        example="P-100",
                        aliases=("Product number",),
                    ),
                    Column(
                        "Name",
                        "name",
                        parsers.text(120),
                        required=True,
                        hints=("Bezeichnung", "Produkt", "Product", "Artikel"),
                        width=34,
                        example="Proofreading",
                    ),
                    Column(
                        "Kind",
                        "kind",
                        parsers.member_of(ProductKind),
                        form=Form.CHOICE,
                        choices="product_kinds",
                        width=12,
                        example="service",
                        note="product or service; product if left blank.",
                    ),
                    Column(
                        "Discountable",
                        "discountable",
                        parsers.yes_no,
                        form=Form.YES_NO,
                        choices="yes_no",
                        width=13,
                        example="yes",
                        note="Whether a customer's rebate applies; yes if left blank.",
                    ),
                    Column(
                        "VAT rate",
                        "vat_rate",
                        parsers.percentage,
                        form=Form.AMOUNT,
                        hints=("Mehrwertsteuer", "MwSt.", "Steuersatz", "VAT"),
                        choices="vat_rates",
                        width=10,
                        example="19",
                        note="In per cent; 19 if left blank.",
                    ),
                    *prices,
                    Column(
                        "Active",
                        "active",
                        parsers.yes_no,
                        form=Form.YES_NO,
                        width=10,
                        read_only=True,
                        in_template=False,
                        note="Whether it is still offered; changing it here changes nothing.",
                    ),
                ),
                "product",
            ),
        ),
        Permission.CATALOGUE_IMPORT,
    )
