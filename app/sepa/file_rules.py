"""What banks refuse though the ISO schema passes it: the rules of a debit, a block and a file.

The schema lets pass a wrong IBAN, a garbage creditor identifier, dollars, a past date and an
unstructured address (EPC130-08 customer-to-bank guidelines, Core; EPC131-08, B2B).
"""

from collections.abc import Iterator, Set
from functools import lru_cache

from app.sepa.addresses import MAX_LINE, MOST_LINES, is_country, says_twice
from app.sepa.calendar import is_target_day
from app.sepa.characters import (
    MAX_NAME,
    MAX_POSTCODE,
    MAX_REMITTANCE,
    MAX_STREET,
    MAX_TOWN,
    is_legal_id,
    is_legal_text,
)
from app.sepa.message import Address, BlockHead, Creditor, Debit, MessageHead
from app.sepa.reader import CURRENCY, Element
from app.sepa.rules import (
    COUNTRIES_NEEDING_ADDRESS,
    Exclusion,
    amount_fits,
    iban_problem,
    is_valid_bic,
    is_valid_creditor_identifier,
)
from app.sepa.writer import NOT_PROVIDED, SAME_MANDATE_NEW_ACCOUNT

SCHEMES = frozenset({"CORE", "B2B"})
SEQUENCE_TYPES = frozenset({"FRST", "RCUR", "FNAL", "OOFF"})

_MANDATE = "DrctDbtTx/MndtRltdInf/"
_BEFORE = f"{_MANDATE}AmdmntInfDtls/"
_DEBTOR_ADDRESS = "Dbtr/PstlAdr/"
_OF_AMENDMENT = frozenset({f"{_BEFORE}OrgnlMndtId", f"{_BEFORE}OrgnlDbtrAcct/Id/Othr/Id"})
# Everything that a debit, a block and the head of a file may say. More is refused somewhere: a
# charge bearer or a scheme beside each debit, a second text, an address of the creditor.
_OF_DEBIT = frozenset(
    {
        "PmtId/EndToEndId", "InstdAmt", CURRENCY, "Dbtr/Nm", "DbtrAcct/Id/IBAN",
        "DbtrAgt/FinInstnId/BICFI", "DbtrAgt/FinInstnId/Othr/Id", "RmtInf/Ustrd",
        f"{_MANDATE}MndtId", f"{_MANDATE}DtOfSgntr", f"{_MANDATE}AmdmntInd",
        *_OF_AMENDMENT,
        *(f"{_DEBTOR_ADDRESS}{tag}" for tag in ("StrtNm", "PstCd", "TwnNm", "Ctry", "AdrLine")),
    }
)  # fmt: skip
_OF_BLOCK = frozenset(
    {
        "PmtInfId", "PmtMtd", "NbOfTxs", "CtrlSum", "PmtTpInf/SvcLvl/Cd", "PmtTpInf/LclInstrm/Cd",
        "PmtTpInf/SeqTp", "ReqdColltnDt", "Cdtr/Nm", "CdtrAcct/Id/IBAN",
        "CdtrAgt/FinInstnId/BICFI", "CdtrAgt/FinInstnId/Othr/Id", "ChrgBr",
        "CdtrSchmeId/Id/PrvtId/Othr/Id", "CdtrSchmeId/Id/PrvtId/Othr/SchmeNm/Prtry",
    }
)  # fmt: skip
_OF_HEAD = frozenset({"MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty/Nm"})
_MANY = frozenset({f"{_DEBTOR_ADDRESS}AdrLine"})

_bic_is_valid = lru_cache(maxsize=10_000)(is_valid_bic)


def written_faults(debit: Element) -> Iterator[str]:
    """What is wrong with how a debit is written, whatever its values are."""
    yield from _unknown(debit, _OF_DEBIT)
    if debit.say(CURRENCY) != "EUR":
        yield "The currency is not EUR"
    if not debit.say(f"{_MANDATE}MndtId"):
        yield "It has no mandate reference"
    if not debit.say(f"{_MANDATE}DtOfSgntr"):
        yield "It does not say when the mandate was signed"
    if not debit.say("DbtrAcct/Id/IBAN"):
        yield "It has no IBAN"
    if not debit.say("RmtInf/Ustrd"):
        yield "It has no remittance text"
    yield from _agent(debit, "DbtrAgt/FinInstnId/")
    amended = debit.say(f"{_MANDATE}AmdmntInd") == "true"
    if not amended and not _OF_AMENDMENT.isdisjoint(debit.leaves):
        yield "It tells the values of a mandate before an amendment, but not that there was one"
    account = debit.find(f"{_BEFORE}OrgnlDbtrAcct/Id/Othr/Id")
    if account not in (None, SAME_MANDATE_NEW_ACCOUNT):
        yield "The amendment of the account is not told as banks read it (SMNDA)"


def debit_faults(debit: Debit) -> Iterator[str]:
    """What a bank would refuse in the values of one debit, sentence by sentence."""
    if not is_legal_id(debit.end_to_end_id):
        yield "The end-to-end id has characters that banks refuse"
    if debit.mandate_reference and not is_legal_id(debit.mandate_reference):
        yield str(Exclusion.MANDATE_REFERENCE)
    if not amount_fits(debit.amount):
        yield str(Exclusion.AMOUNT)
    if not is_legal_text(debit.name, MAX_NAME) or not any(c.isalnum() for c in debit.name):
        yield str(Exclusion.NAME_ILLEGAL)
    if debit.remittance and not is_legal_text(debit.remittance, MAX_REMITTANCE):
        yield "The remittance text has characters that banks refuse, or more than 140"
    problem = iban_problem(debit.iban) if debit.iban else None
    if problem is not None:
        yield str(problem)
    if debit.bic is not None and not _bic_is_valid(debit.bic):
        yield str(Exclusion.BIC_INVALID)
    if debit.iban[:2] in COUNTRIES_NEEDING_ADDRESS:
        if debit.bic is None:
            yield str(Exclusion.BIC_NEEDED)
        if debit.address is None:
            yield str(Exclusion.ADDRESS_NEEDED)
    if debit.address is not None:
        yield from _address_faults(debit.address)
    if debit.amendment is not None:
        original = debit.amendment.original_reference
        if original is None and not debit.amendment.account_changed:
            yield "The amendment of the mandate says nothing"
        if original is not None and not is_legal_id(original):
            yield "The mandate reference before the amendment has characters that banks refuse"


def _address_faults(address: Address) -> Iterator[str]:
    if not address.town or not address.country:
        yield "The address has no place or no country"
    elif not is_country(address.country):
        yield "The country of the address is no code of two letters"
    values = (
        (address.town, MAX_TOWN),
        (address.street, MAX_STREET),
        (address.postcode, MAX_POSTCODE),
        *((line, MAX_LINE) for line in address.lines),
    )
    if any(value and not is_legal_text(value, limit) for value, limit in values):
        yield "The address has characters that banks refuse, or a line that is too long"
    if len(address.lines) > MOST_LINES:
        yield "The address has more than two lines beside place and country"
    if address.lines and (address.street or says_twice(address)):
        yield "The address says something twice"


def block_faults(block: Element, head: BlockHead) -> Iterator[str]:
    """What a bank would refuse in the head of a payment block."""
    yield from _unknown(block, _OF_BLOCK)
    if not is_legal_id(head.block_id):
        yield "Its id has characters that banks refuse"
    if block.say("PmtMtd") != "DD":
        yield "It is no direct debit"
    if block.say("PmtTpInf/SvcLvl/Cd") != "SEPA":
        yield "Its service level is not SEPA"
    if block.say("PmtTpInf/LclInstrm/Cd") not in SCHEMES:
        yield "Its local instrument is neither CORE nor B2B"
    if head.sequence_type not in SEQUENCE_TYPES:
        yield "It has no known sequence type"
    if block.say("ChrgBr") != "SLEV":
        yield "It does not say that charges are shared as SEPA asks (SLEV)"
    if block.say("CdtrSchmeId/Id/PrvtId/Othr/SchmeNm/Prtry") != "SEPA":
        yield "The creditor identifier is not marked as one of SEPA"
    yield from _agent(block, "CdtrAgt/FinInstnId/")
    if not is_target_day(head.collection_date):
        yield "The collection date is not a day on which banks work"


def head_faults(group: Element, head: MessageHead) -> Iterator[str]:
    """What a bank would refuse in the head of a file."""
    yield from _unknown(group, _OF_HEAD)
    if not is_legal_id(head.message_id):
        yield "The id of the message has characters that banks refuse"
    if head.created_at.tzinfo is None or "." in group.say("CreDtTm"):
        yield "The time of creation is not in whole seconds with its zone"
    if not is_legal_text(group.say("InitgPty/Nm"), MAX_NAME):
        yield "The name of who sends it has characters that banks refuse"
    yield from creditor_faults(head.creditor)


def creditor_faults(creditor: Creditor) -> Iterator[str]:
    """What a bank would refuse in the party that collects."""
    if not is_legal_text(creditor.name, MAX_NAME):
        yield "The creditor's name has characters that banks refuse"
    if not is_valid_creditor_identifier(creditor.identifier):
        yield "The creditor identifier is not valid"
    if iban_problem(creditor.iban) is not None:
        yield "The creditor's IBAN is not valid"
    if creditor.bic is not None and not is_valid_bic(creditor.bic):
        yield "The creditor's BIC is not valid"


def _agent(element: Element, path: str) -> Iterator[str]:
    bic, other = element.find(f"{path}BICFI"), element.find(f"{path}Othr/Id")
    if (bic is None) == (other is None) or other not in (None, NOT_PROVIDED):
        yield "The bank is named neither by its BIC nor as NOTPROVIDED"


def _unknown(element: Element, known: Set[str]) -> Iterator[str]:
    leaves = element.leaves
    if leaves.keys() <= known and sum(map(len, leaves.values())) == len(leaves):
        return
    for path, texts in leaves.items():
        if path.startswith("Cdtr/PstlAdr"):
            yield "The creditor's address stands in it, which banks refuse"
        elif path not in known:
            yield f"It says {path.split('/')[-1]}, which has no place there"
        elif len(texts) > 1 and path not in _MANY:
            yield f"It says {path.split('/')[-1]} more than once"
