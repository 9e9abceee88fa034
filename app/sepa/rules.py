"""The rules of SEPA direct debit that know neither database nor file: countries, states, limits.

Sources: EPC016-06 (Core rulebook), EPC222-07 (B2B rulebook), EPC409-09 (list of SEPA countries).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from schwifty import BIC
from schwifty.exceptions import SchwiftyException
from stdnum.eu import at_02

from app.core.errors import Refused
from app.core.money import CENT
from app.core.state_machine import StateMachine
from app.core.values import is_iban
from app.sepa.calendar import is_target_day, next_collection_day, target_day_from
from app.sepa.models import CreditorAccount, MandateState, MandateType, RunState, SequenceType

# The countries as data: libraries miss the five that joined in 2024 and 2025.
EEA_COUNTRIES = frozenset(
    {
        "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT",
        "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE", "IS", "LI", "NO",
    }
)  # fmt: skip
# Outside the EEA a debtor's address and BIC are required.
COUNTRIES_NEEDING_ADDRESS = frozenset(
    {
        "CH", "GB", "GG", "JE", "IM", "MC", "SM", "VA", "AD",
        "AL", "ME", "MK", "MD", "RS",
    }
)  # fmt: skip
SEPA_COUNTRIES = EEA_COUNTRIES | COUNTRIES_NEEDING_ADDRESS

MIN_AMOUNT = CENT
MAX_AMOUNT = Decimal("999999999.99")
# More in one file no bank takes.
MOST_TRANSACTIONS = 1_000_000
MANDATE_MONTHS = 36

_MANDATE_TRANSITIONS: Mapping[MandateState, frozenset[MandateState]] = {
    MandateState.DRAFT: frozenset({MandateState.ACTIVE, MandateState.CANCELLED}),
    MandateState.ACTIVE: frozenset(
        {
            MandateState.SUSPENDED, MandateState.CANCELLED,
            MandateState.EXPIRED, MandateState.USED,
        }
    ),
    MandateState.SUSPENDED: frozenset(
        {MandateState.ACTIVE, MandateState.CANCELLED, MandateState.EXPIRED}
    ),
    # A one-off mandate whose run is cancelled was never shown to the bank, and serves again.
    MandateState.USED: frozenset({MandateState.ACTIVE}),
    MandateState.CANCELLED: frozenset(),
    MandateState.EXPIRED: frozenset(),
}  # fmt: skip
MANDATE_STATES = StateMachine("mandate", _MANDATE_TRANSITIONS)

_RUN_TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.CREATED: frozenset({RunState.RELEASED, RunState.VOID}),
    RunState.RELEASED: frozenset({RunState.FILED, RunState.VOID}),
    RunState.FILED: frozenset({RunState.HANDED_IN, RunState.VOID}),
    RunState.HANDED_IN: frozenset({RunState.ANSWERED}),
    RunState.ANSWERED: frozenset({RunState.CLOSED}),
    RunState.CLOSED: frozenset(),
    RunState.VOID: frozenset(),
}
RUN_STATES = StateMachine("run", _RUN_TRANSITIONS)


class Exclusion(StrEnum):
    """Why an invoice is left out of a run; the value is the sentence people read."""

    NO_MANDATE = "No mandate"
    MANDATE_NOT_ACTIVE = "Mandate is not active"
    MANDATE_EXPIRED = "Mandate has expired"
    MANDATE_OTHER_SCHEME = "Mandate is for the other scheme"
    MANDATE_OTHER_IBAN = "Mandate is for another IBAN than the customer's"
    MANDATE_REFERENCE = "Mandate reference has characters that banks refuse"
    MANDATE_NOT_SIGNED = "Mandate is not signed before the collection date"
    ONE_OFF_TAKEN = "One-off mandate already serves another invoice"
    IBAN_INVALID = "IBAN is not valid"
    IBAN_OUTSIDE_SEPA = "IBAN is not of a SEPA country"
    BIC_NEEDED = "BIC is needed for this country"
    BIC_INVALID = "BIC is not valid"
    ADDRESS_NEEDED = "Address with place and country is needed for this country"
    NAME_ILLEGAL = "Account holder has no letters that banks can read"
    COLLECTION_HOLD = "Collection hold"
    CUSTOMER_DELETED = "Customer is deleted"
    AMOUNT = "Amount is not between 0.01 and 999,999,999.99 EUR"
    AMOUNT_OVER_FILE = "Amount is more than one file of this account may hold"
    ALREADY_IN_COLLECTION = "Already in collection"
    NOTICE_TOO_SHORT = "Notice is too short"


class Caution(StrEnum):
    """What a person should look at before collecting; it leaves nothing out."""

    IBAN_CHANGED = "IBAN was changed lately"
    NOT_REGISTERED = "B2B mandate is not known to be registered with the customer's bank"


@dataclass(frozen=True, slots=True)
class Policy:
    """How this installation collects: its zone, the bank's cut-off, the two-person rule.

    `first_as_recurrent`: RCUR from the first collection on, as banks accept since 2016.
    `notice_days`: calendar days from the notice to the collection, unless a customer agreed on
    fewer; the invoice, which names its due date, is the notice where `invoice_is_notice`.
    """

    zone: str = "Europe/Berlin"
    cutoff: time = time(14)
    two_person_rule: bool = False
    first_as_recurrent: bool = True
    notice_days: int = 14
    invoice_is_notice: bool = True
    iban_change_days: int = 14

    def of_account(self, account: CreditorAccount) -> "Policy":
        """The policy with the account's own cut-off, where it has one."""
        return replace(self, cutoff=account.cutoff) if account.cutoff is not None else self

    @property
    def tz(self) -> ZoneInfo:
        """The zone of the installation."""
        return ZoneInfo(self.zone)

    def next_collection_day(self, now: datetime) -> date:
        """The earliest collection date that can be asked for at this moment."""
        return next_collection_day(now, zone=self.zone, cutoff=self.cutoff)

    def check_collection_date(self, day: date, now: datetime) -> None:
        """Raise Refused for a date on which no bank would collect; the hint proposes one."""
        first = self.next_collection_day(now)
        proposed = f"The next possible day is {target_day_from(max(day, first)):%d.%m.%Y}"
        if not is_target_day(day):
            raise Refused.because(
                "Collection date is not a day on which banks work",
                field="collection_date", hint=proposed,
            )  # fmt: skip
        if day < first:
            raise Refused.because(
                "Collection date is too early for the bank", field="collection_date", hint=proposed
            )
        if (day - first).days > 365:
            raise Refused.because(
                "Collection date is more than a year ahead", field="collection_date",
                hint=f"The next possible day is {first:%d.%m.%Y}",
            )  # fmt: skip


def iban_problem(iban: str) -> Exclusion | None:
    """Say why an IBAN without blanks cannot be collected from, or None."""
    if not is_iban(iban):
        return Exclusion.IBAN_INVALID
    if iban[:2] not in SEPA_COUNTRIES:
        return Exclusion.IBAN_OUTSIDE_SEPA
    return None


@lru_cache(maxsize=4096)
def is_valid_bic(bic: str) -> bool:
    """Tell whether a BIC has the form of one and a country that there is."""
    try:
        BIC(bic)
    except SchwiftyException:
        return False
    return True


def is_valid_creditor_identifier(identifier: str) -> bool:
    """Tell whether a creditor identifier is right: mod 97-10, characters 5 to 7 ignored.

    The library would ignore hyphens and the like, which banks do not.
    """
    plain = identifier.isascii() and identifier.isalnum() and identifier.isupper()
    return plain and 8 <= len(identifier) <= 35 and bool(at_02.is_valid(identifier))


def amount_fits(amount: Decimal) -> bool:
    """Tell whether an amount in euros may be collected at all."""
    return MIN_AMOUNT <= amount <= MAX_AMOUNT and amount == amount.quantize(CENT)


def noticed_by(issued_on: date, today: date, agreed_days: int | None, policy: Policy) -> date:
    """The first day on which the debtor has known of the collection for long enough.

    14 calendar days, unless creditor and debtor agreed on another time (Core rulebook, 4.6.4).
    """
    days = policy.notice_days if agreed_days is None else min(agreed_days, policy.notice_days)
    return (issued_on if policy.invoice_is_notice else today) + timedelta(days=days)


def is_expired(signed_on: date, last_collected_on: date | None, day: date) -> bool:
    """Tell whether a mandate has lapsed by `day`: 36 months without a collection."""
    since = max(signed_on, last_collected_on or signed_on)
    months = (day.year - since.year) * 12 + day.month - since.month
    return months > MANDATE_MONTHS or (months == MANDATE_MONTHS and day.day > since.day)


def lapsed_before(day: date) -> date:
    """The first day that is not too long ago: what was last used before it has lapsed by `day`."""
    years = MANDATE_MONTHS // 12
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # the 29th of February
        return date(day.year - years, 3, 1)


def sequence_type(
    mandate_type: str, last_collected_on: date | None, *, first_as_recurrent: bool
) -> SequenceType:
    """The sequence type of the next collection under a mandate."""
    if mandate_type == MandateType.ONE_OFF:
        return SequenceType.ONE_OFF
    if last_collected_on is None and not first_as_recurrent:
        return SequenceType.FIRST
    return SequenceType.RECURRENT
