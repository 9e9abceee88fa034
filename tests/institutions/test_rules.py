"""IP ranges as clerks write them, in both families."""

import pytest

from app.core.values import ValueProblem
from app.institutions.rules import in_lines, parse_range, read_ranges


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.0/24 ", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("192.0.2.0 - 192.0.2.255", "192.0.2.0/24"),
        ("192.0.2.10-192.0.2.20", "192.0.2.10 - 192.0.2.20"),
        ("192.0.2.10 to 192.0.2.20", "192.0.2.10 - 192.0.2.20"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:DB8::1 – 2001:db8::ff", "2001:db8::1 - 2001:db8::ff"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_range_is_read_and_shown_in_its_shortest_form(typed: str, shown: str) -> None:
    assert str(parse_range(typed)) == shown


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("192.0.2.300", "is not an IP address"),
        ("192.0.2.7/24", "Write 192.0.2.0/24"),
        ("192.0.2.0/33", "is not a network"),
        ("192.0.2.20 - 192.0.2.10", "ends before it starts"),
        ("192.0.2.1 - 2001:db8::1", "goes from IPv4 to IPv6"),
        ("fe80::1%eth0", "is not an IP address"),
        ("192.0.2.*", "is not an IP address"),
        ("x" * 5000, "is not an IP address"),
        ("192.0.2.1 - ", "is not an IP address"),
    ],
)
def test_what_is_no_range_is_refused_with_what_would_be_right(typed: str, reason: str) -> None:
    with pytest.raises(ValueProblem) as caught:
        parse_range(typed)
    assert reason in f"{caught.value.reason}. {caught.value.hint}"


def test_lines_that_share_addresses_are_named() -> None:
    with pytest.raises(ValueProblem, match=r"Line 3: .* shares addresses with line 1"):
        read_ranges("192.0.2.0/24\n\n192.0.2.128/25")


def test_ranges_come_in_the_order_of_their_addresses() -> None:
    assert in_lines(read_ranges("2001:db8::/32\n9.9.9.9\n10.0.0.0/8")) == (
        "9.9.9.9\n10.0.0.0/8\n2001:db8::/32"
    )
