"""IP ranges as people write them, and as keys that the database can compare."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
    summarize_address_range,
)
from itertools import pairwise

from app.core.values import ValueProblem

MOST_RANGES = 500
EXAMPLES = "Write 192.0.2.7, 192.0.2.0/24 or 192.0.2.10 - 192.0.2.20, or the same with IPv6"

_Address = IPv4Address | IPv6Address
_FROM_TO = re.compile(r"(?:\s*[-–—]\s*|\s+(?:to|bis)\s+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Addresses from the first to the last, as keys."""

    first: str
    last: str

    def __str__(self) -> str:
        first, last = address_of(self.first), address_of(self.last)
        if first == last:
            return str(first)
        networks = list(summarize_address_range(first, last))
        return str(networks[0]) if len(networks) == 1 else f"{first} - {last}"

    def meets(self, other: "Range") -> bool:
        """Whether both hold the same address."""
        return self.first <= other.last and other.first <= self.last


def key_of(address: _Address) -> str:
    """The key of an address; keys sort like addresses, all of IPv4 before all of IPv6."""
    if isinstance(address, IPv6Address):
        return f"6{int(address):032x}"
    return f"4{int(address):08x}"


def address_of(key: str) -> _Address:
    """The address that a key stands for."""
    number = int(key[1:], 16)
    return IPv6Address(number) if key[0] == "6" else IPv4Address(number)


def parse_address(raw: str) -> str:
    """The key of one address. Raises ValueProblem."""
    return key_of(_address(raw.strip()))


def parse_range(raw: str) -> Range:
    """A single address, a network in CIDR notation, or one address to another.

    Raises ValueProblem that says what would be right.
    """
    text = raw.strip()
    ends = _FROM_TO.split(text)
    if len(ends) == 2 and all(ends):
        first, last = _address(ends[0]), _address(ends[1])
        if type(first) is not type(last):
            raise ValueProblem(f"{text} goes from IPv4 to IPv6", "Write both in the same way")
        if key_of(first) > key_of(last):
            raise ValueProblem(f"{text} ends before it starts", f"Write {last} - {first}")
        return Range(key_of(first), key_of(last))
    if "/" in text:
        return _network(text)
    only = key_of(_address(text))
    return Range(only, only)


def _network(text: str) -> Range:
    address, _, length = text.partition("/")
    try:
        found = ip_network(f"{_address(address.strip())}/{length.strip()}", strict=False)
    except ValueProblem:
        raise
    except ValueError:
        raise ValueProblem(f"{text} is not a network", EXAMPLES) from None
    if str(found.network_address) != str(_address(address.strip())):
        raise ValueProblem(f"{text} is not where a network begins", f"Write {found}")
    return Range(key_of(found.network_address), key_of(found.broadcast_address))


def _address(text: str) -> _Address:
    try:
        found = ip_address(text.strip("[]") if "%" not in text else "")
    except ValueError:
        raise ValueProblem(f"{text[:60]} is not an IP address", EXAMPLES) from None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def read_ranges(text: str) -> list[Range]:
    """The ranges of a text, one on each line, in their order; blank lines are passed over.

    Raises ValueProblem that names the line that is wrong, also where two lines share an address.
    """
    found: list[tuple[Range, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append((parse_range(line), number))
        except ValueProblem as problem:
            raise ValueProblem(f"Line {number}: {problem.reason}", problem.hint) from None
    if len(found) > MOST_RANGES:
        raise ValueProblem(
            f"There are {len(found):,} IP ranges; at most {MOST_RANGES} are allowed",
            "Join neighbours into networks",
        )
    found.sort()
    for (one, at), (following, next_at) in pairwise(found):
        if one.meets(following):
            raise ValueProblem(
                f"Line {max(at, next_at)}: {following if next_at > at else one} shares "
                f"addresses with line {min(at, next_at)}",
                "Keep one of the two",
            )
    return [one for one, _ in found]


def in_lines(ranges: Iterable[Range]) -> str:
    """Ranges as the form shows them, one on each line."""
    return "\n".join(str(one) for one in ranges)
