"""Reads the reference data of customers: stores, groups, security questions."""

from sqlalchemy import select

from app.core import filters
from app.core.listing import Listing
from app.customers.models import Group, SecurityQuestion, Store

STORES = Listing(
    statement=select(Store),
    filters=(
        filters.yes_no("active", "Active", Store.active),
        filters.yes_no("default", "Default", Store.is_default),
    ),
    sorts={"name": filters.lowered(Store.name)},
    default_sort="name",
    search=lambda text: filters.lowered(Store.name).contains(text.lower(), autoescape=True),
)

GROUPS = Listing(
    statement=select(Group),
    filters=(filters.yes_no("approval", "Approval required", Group.approval_required),),
    sorts={"name": filters.lowered(Group.name)},
    default_sort="name",
    search=lambda text: filters.lowered(Group.name).contains(text.lower(), autoescape=True),
)

QUESTIONS = Listing(
    statement=select(SecurityQuestion),
    filters=(filters.yes_no("active", "Active", SecurityQuestion.active),),
    sorts={"question": filters.lowered(SecurityQuestion.question)},
    default_sort="question",
    search=lambda text: filters.lowered(SecurityQuestion.question).contains(
        text.lower(), autoescape=True
    ),
)
