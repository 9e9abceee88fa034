"""The columns of lists that leave as exports only; what comes in, too, keeps its own definition."""

from dataclasses import replace

from app.transfer.columns import commerce, customers, parsers, perpetual
from app.transfer.columns.base import Column, Form
from app.transfer.columns.invoices import INVOICES as INVOICE_WORKBOOK


def told(
    label: str, field: str, form: Form = Form.TEXT, width: int = 16, choices: str = ""
) -> Column:
    """A column that is written and never read."""
    return Column(
        label, field, parsers.text(2000), form=form, width=width, choices=choices, read_only=True
    )


CUSTOMER_NUMBER = replace(customers.NUMBER, field="customer_number")
CUSTOMER_NAME = told("Customer", "customer", width=34)

_COVERAGE = (
    perpetual.COVERAGE_FROM,
    perpetual.COVERAGE_TO,
    perpetual.FIRST_VOLUME,
    perpetual.LAST_VOLUME,
)

# At least the columns that publishers ask of a list of rights, in this order.
SUBSCRIPTIONS = (
    CUSTOMER_NUMBER,
    CUSTOMER_NAME,
    perpetual.ISSN,
    perpetual.JOURNAL,
    told("Source", "source", width=12),
    *_COVERAGE,
    told("Status", "status", width=12),
    told("Sources", "sources", width=44),
)

AUTHORIZATIONS = (
    # The customer's number in the column that the import of authorizations looks customers up by.
    replace(perpetual.CUSTOMER, width=14),
    told("Customer name", "customer_name", width=34),
    perpetual.ISSN,
    perpetual.JOURNAL,
    perpetual.BASIS,
    *_COVERAGE,
    replace(perpetual.FIRST_ISSUE, width=12),
    replace(perpetual.LAST_ISSUE, width=12),
    replace(perpetual.EMBARGO, width=12),
    perpetual.NOTE,
)

INVOICES = (
    *(
        replace(column, width=14) if column.field == "customer" else column
        for column in INVOICE_WORKBOOK.sheets[0].columns
    ),
    told("Customer name", "customer_name", width=34),
    told("State", "state", width=14),
)

RENEWALS = (
    CUSTOMER_NUMBER,
    CUSTOMER_NAME,
    told("ISSN", "issn", width=12),
    told("Journal", "journal", width=50),
    told("Term to", "term_to", Form.DATE, 13),
    told("To be renewed", "renewal", Form.YES_NO, 14),
    told("Price", "price", Form.AMOUNT, 12),
    told("Status", "status", width=12),
)
PACKAGES = (
    told("Name", "name", width=30),
    told("ISSNs", "issns", width=60),
    told("Note", "note", width=50),
)
CONSORTIA = (told("Name", "name", width=34), told("Note", "note", width=50))

MANDATES = (
    replace(commerce.MANDATE_REFERENCE, field="reference", width=22),
    CUSTOMER_NUMBER,
    CUSTOMER_NAME,
    replace(commerce.ACCOUNT_HOLDER, width=30),
    commerce.IBAN,
    commerce.BIC,
    told("Scheme", "scheme", width=10),
    told("Type", "type", width=12),
    told("State", "state", width=12),
    told("Signed on", "signed_on", Form.DATE, 13),
    told("Last collected on", "last_collected_on", Form.DATE, 18),
    told("Reason", "state_reason", width=30),
    told("Return code", "state_code", width=12),
    told("Reference before the amendment", "original_reference", width=22),
    told("Registered with the bank on", "bank_registered_on", Form.DATE, 18),
)

CREDITOR_ACCOUNTS = (
    told("Label", "label", width=24),
    told("Creditor", "name", width=30),
    told("Creditor identifier", "creditor_identifier", width=24),
    commerce.IBAN,
    commerce.BIC,
    told("Scheme", "scheme", width=10),
    told("Collections in a file", "max_transactions", width=18),
    told("One payment block in a file", "one_block_per_file", Form.YES_NO, 18),
    told("Hybrid addresses", "hybrid_addresses", Form.YES_NO, 18),
    told("Street/No.", "street", width=30),
    told("Postcode", "postcode", width=10),
    told("Place", "place", width=24),
    told("Country", "country", width=10),
    told("Default", "is_default", Form.YES_NO, 10),
    told("Active", "active", Form.YES_NO, 10),
)

RUNS = (
    told("Run", "number", width=12),
    told("Creditor", "creditor_name", width=30),
    told("Scheme", "scheme", width=10),
    told("Collection date", "collection_date", Form.DATE, 16),
    told("State", "state", width=12),
    told("Collections", "collection_count", Form.WHOLE, 12),
    told("Amount", "amount", Form.AMOUNT, 14),
    told("Created", "created_at", Form.MOMENT, 24),
    told("Created by", "created_by_label", width=28),
)

RETURNS = (
    CUSTOMER_NUMBER,
    CUSTOMER_NAME,
    told("Invoice", "invoice", width=18),
    told("Invoice's state", "invoice_state", width=14),
    told("Amount", "amount", Form.AMOUNT, 14),
    told("Fee", "fee", Form.AMOUNT, 10),
    told("State", "state", width=12),
    told("Ended on", "ended_on", Form.DATE, 13),
    told("Reason code", "reason_code", width=13),
    told("Reason", "reason", width=40),
    told("Text of the bank", "reason_text", width=40),
    told("What to do", "todo", width=26),
    told("Attempts", "attempts", Form.WHOLE, 10),
    told("Run", "run", width=14),
    told("Mandate reference", "mandate_reference", width=22),
    told("End-to-end id", "end_to_end_id", width=26),
    told("Worked off", "worked_off_at", Form.MOMENT, 24),
    told("Worked off by", "worked_off_by_label", width=28),
    told("Note", "worked_off_note", width=50),
)

BANK_REPORTS = (
    told("Read", "received_at", Form.MOMENT, 24),
    told("Read by", "received_by_label", width=28),
    told("Kind", "kind", width=12),
    told("Version", "variant", width=10),
    told("Message", "message_id", width=36),
    told("Made by the bank", "made_at", Form.MOMENT, 24),
    told("Entries", "entries", Form.WHOLE, 10),
    told("Accepted", "accepted", Form.WHOLE, 10),
    told("Settled", "settled", Form.WHOLE, 10),
    told("Rejected", "rejected", Form.WHOLE, 10),
    told("Returned", "returned", Form.WHOLE, 10),
    told("Known before", "known", Form.WHOLE, 14),
    told("Unmatched", "unmatched", Form.WHOLE, 12),
    told("Not direct debits of ours", "other", Form.WHOLE, 26),
    told("Remarks", "remarks", width=50),
    told("Checksum (SHA-256)", "sha256", width=66),
)
BANK_ENTRIES = (
    told("Report", "report", width=36),
    told("Entry", "position", Form.WHOLE, 8),
    told("The bank says", "told", width=14),
    told("Outcome", "outcome", width=26),
    told("Problem", "problem", width=50),
    told("Booked on", "booked_on", Form.DATE, 13),
    told("Amount", "amount", Form.AMOUNT, 14),
    told("Currency", "currency", width=10),
    told("Fee", "fee", Form.AMOUNT, 10),
    told("Reason code", "reason_code", width=12),
    told("Reason", "reason_text", width=40),
    told("Invoice", "invoice", width=16),
    CUSTOMER_NUMBER,
    CUSTOMER_NAME,
    told("Run", "run", width=14),
    told("Found by", "matched_by", width=26),
    told("End-to-end id", "end_to_end_id", width=30),
    told("Mandate reference", "mandate_reference", width=22),
    told("Payment block", "block_id", width=26),
    told("Bank reference", "bank_reference", width=26),
    told("Name", "party_name", width=30),
    replace(commerce.IBAN, field="party_iban"),
    told("Text", "remittance_text", width=50),
    told("Looked at", "worked_off_at", Form.MOMENT, 24),
    told("Looked at by", "worked_off_by_label", width=28),
    told("What came of it", "worked_off_note", width=40),
)

STORES = (
    told("Name", "name", width=30),
    told("Default", "is_default", Form.YES_NO, 10),
    told("Active", "active", Form.YES_NO, 10),
)
GROUPS = (
    told("Name", "name", width=24),
    told("Approval required", "approval_required", Form.YES_NO, 18),
    told("Description", "description", width=50),
)
PRICE_LEVELS = (told("Name", "name", width=14), told("Description", "description", width=50))
SECURITY_QUESTIONS = (
    told("Question", "question", width=60),
    told("Active", "active", Form.YES_NO, 10),
)
OPERATORS = (
    told("Email", "email", width=32),
    told("Name", "name", width=28),
    told("Roles", "roles", width=30),
    told("Active", "active", Form.YES_NO, 10),
    told("Two-factor log-in", "two_factor", Form.YES_NO, 18),
    told("Last log-in", "last_login_at", Form.MOMENT, 24),
    told("Created", "created_at", Form.MOMENT, 24),
)
ROLES = (
    told("Name", "name", width=24),
    told("Description", "description", width=50),
    told("Comes with Kontor", "built_in", Form.YES_NO, 20),
    told("Permissions", "permissions", width=80),
)

DUPLICATES = (
    told("Score", "score", Form.WHOLE, 8),
    told("Customer number", "first_number"),
    told("Customer", "first", width=34),
    told("Looks like number", "second_number", width=18),
    told("Looks like", "second", width=34),
    told("Reasons", "reasons", width=40),
    told("State", "state", width=18),
    told("Found", "found_at", Form.MOMENT, 24),
    told("Decided", "decided_at", Form.MOMENT, 24),
    told("Decided by", "decided_by_label", width=28),
    told("Reason of the decision", "decision_reason", width=40),
)
IMPORTS = (
    told("File", "file", width=34),
    told("Kind", "kind", width=24),
    told("State", "state", width=14),
    told("Rows", "rows", Form.WHOLE, 10),
    told("Created", "created", Form.WHOLE, 10),
    told("Updated", "updated", Form.WHOLE, 10),
    told("Unchanged", "unchanged", Form.WHOLE, 12),
    told("Refused", "refused_rows", Form.WHOLE, 10),
    told("Message", "message", width=50),
    told("Uploaded by", "created_by_label", width=28),
    told("Uploaded", "created_at", Form.MOMENT, 24),
)
DOWNLOADS = (
    told("List", "list", width=28),
    told("Conditions", "filter", width=50),
    told("Rows", "rows", Form.WHOLE, 10),
    told("Format", "format", width=10),
    told("Bytes", "size", Form.WHOLE, 14),
    told("Checksum (SHA-256)", "sha256", width=66),
    told("Bank details", "bank_details", width=14),
    told("Exported by", "by", width=28),
    told("Exported", "at", Form.MOMENT, 24),
    told("Kept until", "kept_until", Form.MOMENT, 24),
)
JOBS = (
    told("Job", "title", width=40),
    told("State", "state", width=12),
    told("Done", "done", Form.WHOLE, 12),
    told("Of", "total", Form.WHOLE, 12),
    told("Asked for by", "created_by_label", width=28),
    told("Asked for", "created_at", Form.MOMENT, 24),
    told("Started", "started_at", Form.MOMENT, 24),
    told("Ended", "finished_at", Form.MOMENT, 24),
    told("Error", "error", width=50),
)
MAIL = (
    told("To", "recipient", width=32),
    told("Subject", "subject", width=50),
    told("Purpose", "purpose", width=26),
    told("State", "state", width=12),
    told("Tries", "attempts", Form.WHOLE, 8),
    told("Queued", "created_at", Form.MOMENT, 24),
    told("Queued by", "created_by_label", width=28),
    told("Sent", "sent_at", Form.MOMENT, 24),
    told("Last error", "last_error", width=50),
)
