"""What the coded fields of a customer may say; the database holds them to it."""

from enum import StrEnum


class CustomerKind(StrEnum):
    """A person, a company, or an institution that holds perpetual rights."""

    INDIVIDUAL = "individual"
    BUSINESS = "business"
    PERPETUAL = "perpetual"


KIND_LABELS = {
    CustomerKind.INDIVIDUAL: "Individual",
    CustomerKind.BUSINESS: "Business",
    CustomerKind.PERPETUAL: "Perpetual",
}


class Gender(StrEnum):
    """As the customer states it."""

    FEMALE = "female"
    MALE = "male"
    DIVERSE = "diverse"


class Source(StrEnum):
    """Where the customer came in."""

    TELEPHONE = "Telephone"
    WEB = "Web"
    POS = "POS"
    IMPORT = "Import"
    API = "API"


class PaymentMethod(StrEnum):
    """How the customer pays."""

    INVOICE = "Invoice"
    DIRECT_DEBIT = "SEPA direct debit"
    CREDIT_CARD = "Credit card"
    CASH = "Cash"
    PREPAYMENT = "Prepayment"


class ApprovalState(StrEnum):
    """Whether a shop customer of a group with approval may log in."""

    NOT_NEEDED = "not needed"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"


class AddressKind(StrEnum):
    """What an address is for."""

    MAIN = "main"
    BILLING = "billing"
    SHIPPING = "shipping"
