"""The bank's reason codes as data: what each means, what to do, and what follows by itself.

Sources: the external code lists of ISO 20022 (status and return reasons), EPC173-14 (reason codes
of SEPA direct debits). The words are short and for a clerk. A code that stands not here is kept as
the bank sent it, and a person looks into it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Todo(StrEnum):
    """What is to be done about a return; the work list is narrowed by it."""

    AGAIN = "again"
    ACCOUNT = "account"
    MANDATE = "mandate"
    DATA = "data"
    ADDRESS = "address"
    OBJECTION = "objection"
    DUPLICATE = "duplicate"
    BANK = "bank"
    PERSON = "person"


TODO_LABELS = {
    Todo.AGAIN: "Collect again",
    Todo.ACCOUNT: "Get another account",
    Todo.MANDATE: "Get a valid mandate",
    Todo.DATA: "Mend our data",
    Todo.ADDRESS: "Complete address",
    Todo.OBJECTION: "Customer objected",
    Todo.DUPLICATE: "Find our duplicate",
    Todo.BANK: "Bank blocks it",
    Todo.PERSON: "Look into it",
}


class Place(StrEnum):
    """Where something can be mended."""

    BANK_DETAILS = "bank details"
    CUSTOMER = "customer"
    MANDATE = "mandate"
    CREDITOR = "creditor account"


_PLACES = {
    Todo.ACCOUNT: (Place.BANK_DETAILS, Place.MANDATE),
    Todo.MANDATE: (Place.MANDATE,),
    Todo.ADDRESS: (Place.CUSTOMER,),
    Todo.BANK: (Place.CUSTOMER,),
    Todo.PERSON: (Place.CUSTOMER,),
}
# Once this is done, nothing speaks against another collection.
_AFTER_MENDING = frozenset({Todo.ACCOUNT, Todo.MANDATE, Todo.DATA, Todo.ADDRESS, Todo.BANK})


@dataclass(frozen=True, slots=True)
class ReturnCode:
    """One reason code.

    `suspends`: the mandate collects nothing until somebody has seen to it. `holds`: nothing at all
    is collected from the customer. `unauthorised`: the debtor has 13 months, not 8 weeks.
    """

    code: str
    words: str
    todo: Todo
    advice: str
    suspends: bool = False
    holds: bool = False
    unauthorised: bool = False
    at: tuple[Place, ...] = ()

    @property
    def may_retry(self) -> bool:
        """Whether it may be collected again without anything having been mended, by the policy."""
        return self.todo is Todo.AGAIN

    @property
    def may_after_mending(self) -> bool:
        """Whether it may be collected again once account, mandate or data are right."""
        return self.todo in _AFTER_MENDING

    @property
    def is_our_fault(self) -> bool:
        """Whether our own data have to be mended."""
        return self.todo in (Todo.DATA, Todo.ADDRESS, Todo.DUPLICATE)

    @property
    def needs_person(self) -> bool:
        """Whether only a person may have it collected again, with a reason."""
        return not (self.may_retry or self.may_after_mending)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where it is mended."""
        return self.at or _PLACES.get(self.todo, ())

    def __str__(self) -> str:
        return f"{self.code}, {self.words}" if self.code else self.words


_AGAIN = "Collect again with notice, or ask the customer to pay otherwise."
_NEW_ACCOUNT = "The mandate is suspended. Ask for another account and have a mandate signed for it."
_WRONG_ACCOUNT = (
    "The mandate is suspended. Ask for the right IBAN, correct the bank details and the mandate, "
    "resume it, then reopen the invoice."
)
_FILE = "The collection was not as banks want it. Tell whoever looks after the bank files, "
_FILE_AGAIN = f"{_FILE}then reopen the invoice."
_OBJECTED = "Ask the customer why. Reopen the invoice only when both of you agree."


def _file(code: str, words: str) -> ReturnCode:
    return ReturnCode(code, words, Todo.DATA, _FILE_AGAIN)


def _new_account(code: str, words: str) -> ReturnCode:
    return ReturnCode(code, words, Todo.ACCOUNT, _NEW_ACCOUNT, suspends=True)


def _wrong_account(code: str, words: str) -> ReturnCode:
    # "Block the account" (the return table of SEPA): it is the mandate that is suspended and not
    # the customer that is held, for another account with a mandate of its own is none the worse.
    return ReturnCode(code, words, Todo.ACCOUNT, _WRONG_ACCOUNT, suspends=True)


def _later(code: str, words: str) -> ReturnCode:
    return ReturnCode(code, words, Todo.AGAIN, "Nothing is wrong with the data: collect again.")


def _creditor(code: str, words: str) -> ReturnCode:
    return ReturnCode(
        code, words, Todo.DATA,
        "Compare the creditor account with what the bank has agreed to, then reopen the invoice.",
        at=(Place.CREDITOR,),
    )  # fmt: skip


def _address(code: str, words: str, advice: str) -> ReturnCode:
    return ReturnCode(code, words, Todo.ADDRESS, f"{advice}, then reopen the invoice.")


def _person(code: str, words: str, advice: str) -> ReturnCode:
    return ReturnCode(code, words, Todo.PERSON, advice)


_ALL = (
    # The account
    _wrong_account("AC01", "account number is wrong"),
    _wrong_account("AC02", "debtor's account number is wrong"),
    _creditor("AC03", "creditor's account number is wrong"),
    _new_account("AC04", "account is closed"),
    _new_account("AC06", "account is blocked"),
    _creditor("AC07", "creditor's account is closed"),
    _new_account("AC13", "a consumer's account, which B2B cannot collect from"),
    _new_account("AG01", "direct debits are forbidden on this account"),
    ReturnCode(
        "AG02", "wrong operation code or sequence type", Todo.DATA,
        "Look whether the mandate's type and scheme are right, then reopen the invoice.",
        at=(Place.MANDATE,),
    ),
    _file("AG03", "the bank does not do this kind of transaction"),
    _wrong_account("RC01", "BIC is wrong"),
    _wrong_account("RC03", "debtor's bank is wrong"),
    _creditor("RC04", "creditor's bank is wrong"),
    _new_account("DNOR", "debtor's bank takes no direct debits of this scheme"),
    _creditor("CNOR", "creditor's bank is not in the scheme"),
    _new_account("PY01", "debtor's bank cannot be reached"),
    # The amount
    _file("AM01", "amount is zero"),
    ReturnCode(
        "AM02", "amount is not allowed", Todo.BANK,
        "The amount is beyond what the bank allows. Ask the customer to pay otherwise.",
    ),
    _file("AM03", "currency is not allowed"),
    ReturnCode("AM04", "not enough money on the account", Todo.AGAIN, _AGAIN),
    ReturnCode(
        "AM05", "collected twice", Todo.DUPLICATE,
        "Find our own duplicate first: the record shows what looks like it. Reopen the invoice "
        "only when there is none.",
    ),
    _person("AM09", "wrong amount", "Compare the invoice with what was agreed on."),
    _file("AM10", "control sum is wrong"),
    _file("CURR", "currency is wrong"),
    # Who it is
    ReturnCode(
        "BE01", "account does not belong to this name", Todo.DATA,
        "Correct the account holder on the mandate, then reopen the invoice.",
        at=(Place.BANK_DETAILS, Place.MANDATE),
    ),
    _address("BE04", "creditor's address is missing", "Complete the creditor account"),
    _creditor("BE05", "creditor identifier is not known"),
    _person("BE06", "the bank does not know the customer", "Ask the customer for the account."),
    _address("BE07", "debtor's address is missing", "Complete the customer's address"),
    ReturnCode(
        "RR01", "debtor's account or identification is missing", Todo.ADDRESS,
        "Complete bank details and mandate, then reopen the invoice.",
        at=(Place.BANK_DETAILS, Place.MANDATE),
    ),
    _address("RR02", "debtor's name or address is missing", "Complete the customer's address"),
    ReturnCode(
        "RR03", "creditor's name or address is missing", Todo.ADDRESS,
        "Complete the creditor account, then reopen the invoice.", at=(Place.CREDITOR,),
    ),
    _address("RR04", "a rule of the authorities", "Complete name and address of the customer"),
    # The mandate
    ReturnCode(
        "MD01", "no valid mandate", Todo.MANDATE,
        "The mandate is suspended. Have a new one signed, or show the customer's bank the one you "
        "have; never collect again without.",
        suspends=True, unauthorised=True,
    ),
    ReturnCode(
        "MD02", "mandate data are missing or wrong", Todo.DATA,
        "Correct the mandate, then reopen the invoice.", at=(Place.MANDATE,),
    ),
    _file("MD03", "file is not as it should be"),
    _person("MD05", "collected too early or too often", "Look whether it was due at all."),
    ReturnCode("MD06", "customer asked for the money back", Todo.OBJECTION, _OBJECTED),
    ReturnCode(
        "MD07", "customer has died", Todo.PERSON,
        "Nothing is collected from this customer any more. Speak with the heirs.", holds=True,
    ),
    ReturnCode("MS02", "customer refuses, without a reason", Todo.OBJECTION, _OBJECTED),
    ReturnCode("MS03", "bank refuses, without a reason", Todo.AGAIN, _AGAIN),
    ReturnCode("CUST", "customer stopped it", Todo.OBJECTION, _OBJECTED),
    ReturnCode("UPAY", "customer says it was not owed", Todo.OBJECTION, _OBJECTED),
    # What the debtor's bank watches over
    ReturnCode(
        "SL01", "customer's bank blocks or limits direct debits", Todo.BANK,
        "Ask the customer to let the bank allow it, or to pay otherwise.",
    ),
    ReturnCode(
        "SL11", "we are not on the customer's list of allowed creditors", Todo.BANK,
        "Ask the customer to have us put on the list, then reopen the invoice.",
    ),
    ReturnCode(
        "SL12", "we are on the customer's list of refused creditors", Todo.OBJECTION, _OBJECTED
    ),
    ReturnCode(
        "SL13", "more collections than the customer allows", Todo.BANK,
        "Ask the customer to raise the limit, or to pay otherwise.",
    ),
    ReturnCode(
        "SL14", "a higher amount than the customer allows", Todo.BANK,
        "Ask the customer to raise the limit, or to pay otherwise.",
    ),
    # File and calendar
    _file("DT01", "date is wrong"),
    _file("FF01", "file is not as it should be"),
    ReturnCode(
        "FF05", "wrong scheme", Todo.DATA,
        "Look whether the mandate is for CORE or B2B, then reopen the invoice.",
        at=(Place.MANDATE,),
    ),
    _file("RF01", "reference is not unique"),
    _file("DUPL", "file was handed in twice"),
    _file("DU01", "message id was used before"),
    _file("DU02", "payment block id was used before"),
    _file("DU03", "transaction was handed in before"),
    _later("TM01", "came after the cut-off"),
    _later("ED05", "settlement failed"),
    _later("TECH", "a technical fault"),
    # Else
    _person("ARDT", "returned before", "Look whether another return of it is known."),
    _person("FOCR", "called back", "Look who called it back."),
    _person("FRAD", "fraud is suspected", "Speak with your bank before anything else."),
    _person("LEGL", "a decision of a court", "Speak with your bank before anything else."),
    _person("NARR", "see the bank's text", "Read the bank's text and decide."),
    _person("NOAS", "no answer of the customer", "Ask the customer."),
)  # fmt: skip
RETURN_CODES: dict[str, ReturnCode] = {one.code: one for one in _ALL}


def return_code(code: str | None) -> ReturnCode:
    """What a code means; one that is not known is for a person."""
    if not code:
        return _person("", "no reason given", "Read the bank's text, or ask your bank.")
    known = RETURN_CODES.get(code)
    return known or _person(code, "a code that is not known", "Read the bank's text and decide.")


def codes_of(todo: Todo) -> list[str]:
    """The known codes of what is to be done."""
    return [one.code for one in _ALL if one.todo is todo]
