"""Every permission, named resource:action, and the four roles that come with Kontor."""

from enum import StrEnum


class Permission(StrEnum):
    """What an actor may do. A role is a set of these (domain.md, section 10)."""

    DASHBOARD_VIEW = "dashboard:view"
    CUSTOMERS_VIEW = "customers:view"
    CUSTOMERS_EDIT = "customers:edit"
    CUSTOMERS_DELETE = "customers:delete"
    CUSTOMERS_RESTORE = "customers:restore"
    CUSTOMERS_IMPORT = "customers:import"
    EXPORT = "records:export"
    BANK_DETAILS_VIEW = "bank_details:view"
    BANK_DETAILS_EDIT = "bank_details:edit"
    CATALOGUE_VIEW = "catalogue:view"
    CATALOGUE_EDIT = "catalogue:edit"
    CATALOGUE_IMPORT = "catalogue:import"
    SUBSCRIPTIONS_VIEW = "subscriptions:view"
    SUBSCRIPTIONS_EDIT = "subscriptions:edit"
    INVOICES_VIEW = "invoices:view"
    INVOICES_EDIT = "invoices:edit"
    INVOICES_IMPORT = "invoices:import"
    MANDATES_VIEW = "mandates:view"
    MANDATES_EDIT = "mandates:edit"
    DIRECT_DEBIT_VIEW = "direct_debit:view"
    DIRECT_DEBIT_RUN = "direct_debit:run"
    DIRECT_DEBIT_RELEASE = "direct_debit:release"
    DIRECT_DEBIT_FILE = "direct_debit:file"
    DIRECT_DEBIT_HAND_IN = "direct_debit:hand_in"
    BANK_REPORTS_VIEW = "bank_reports:view"
    BANK_REPORTS_IMPORT = "bank_reports:import"
    RETURNS_EDIT = "returns:edit"
    CREDITOR_ACCOUNTS_VIEW = "creditor_accounts:view"
    CREDITOR_ACCOUNTS_EDIT = "creditor_accounts:edit"
    JOBS_VIEW = "jobs:view"
    JOBS_VIEW_ALL = "jobs:view_all"
    OUTBOX_VIEW = "outbox:view"
    OUTBOX_MANAGE = "outbox:manage"
    OPERATORS_MANAGE = "operators:manage"
    ROLES_MANAGE = "roles:manage"
    STORES_MANAGE = "stores:manage"
    GROUPS_MANAGE = "groups:manage"
    SETTINGS_MANAGE = "settings:manage"


PERMISSION_LABELS: dict[Permission, str] = {
    Permission.DASHBOARD_VIEW: "See the dashboard",
    Permission.CUSTOMERS_VIEW: "See customers",
    Permission.CUSTOMERS_EDIT: "Create, edit and lock customers",
    Permission.CUSTOMERS_DELETE: "Delete customers",
    Permission.CUSTOMERS_RESTORE: "Restore deleted customers",
    Permission.CUSTOMERS_IMPORT: "Import customers",
    Permission.EXPORT: "Export lists",
    Permission.BANK_DETAILS_VIEW: "See bank details in full",
    Permission.BANK_DETAILS_EDIT: "Edit bank details",
    Permission.CATALOGUE_VIEW: "See products and journals",
    Permission.CATALOGUE_EDIT: "Edit products and journals",
    Permission.CATALOGUE_IMPORT: "Import products and journals",
    Permission.SUBSCRIPTIONS_VIEW: "See subscriptions",
    Permission.SUBSCRIPTIONS_EDIT: "Edit subscriptions and authorizations",
    Permission.INVOICES_VIEW: "See invoices",
    Permission.INVOICES_EDIT: "Edit invoices",
    Permission.INVOICES_IMPORT: "Import open invoices",
    Permission.MANDATES_VIEW: "See mandates",
    Permission.MANDATES_EDIT: "Edit mandates",
    Permission.DIRECT_DEBIT_VIEW: "See direct-debit runs",
    Permission.DIRECT_DEBIT_RUN: "Create and cancel runs",
    Permission.DIRECT_DEBIT_RELEASE: "Release runs",
    Permission.DIRECT_DEBIT_FILE: "Make and download bank files",
    Permission.DIRECT_DEBIT_HAND_IN: "Note that runs were handed in",
    Permission.BANK_REPORTS_VIEW: "See bank reports and returns",
    Permission.BANK_REPORTS_IMPORT: "Read in bank reports",
    Permission.RETURNS_EDIT: "Work off returns",
    Permission.CREDITOR_ACCOUNTS_VIEW: "See creditor accounts",
    Permission.CREDITOR_ACCOUNTS_EDIT: "Edit creditor accounts",
    Permission.JOBS_VIEW: "See one's own jobs and downloads",
    Permission.JOBS_VIEW_ALL: "See everybody's jobs and downloads",
    Permission.OUTBOX_VIEW: "See outgoing mail",
    Permission.OUTBOX_MANAGE: "Send outgoing mail again, or cancel it",
    Permission.OPERATORS_MANAGE: "Manage operators",
    Permission.ROLES_MANAGE: "Manage roles",
    Permission.STORES_MANAGE: "Manage stores",
    Permission.GROUPS_MANAGE: "Manage customer groups",
    Permission.SETTINGS_MANAGE: "Manage price levels and security questions",
}


class RoleName(StrEnum):
    """The roles that are always there; administrators may add others."""

    OPERATIONS = "operations"
    ACCOUNTING = "accounting"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


_EVERYBODY = frozenset(
    {
        Permission.DASHBOARD_VIEW,
        Permission.CUSTOMERS_VIEW,
        Permission.CATALOGUE_VIEW,
        Permission.SUBSCRIPTIONS_VIEW,
        Permission.EXPORT,
        Permission.JOBS_VIEW,
    }
)

ROLE_PERMISSIONS: dict[RoleName, frozenset[Permission]] = {
    RoleName.OPERATIONS: _EVERYBODY
    | {
        Permission.CUSTOMERS_EDIT,
        Permission.CUSTOMERS_DELETE,
        Permission.CUSTOMERS_IMPORT,
        Permission.BANK_DETAILS_EDIT,
        Permission.MANDATES_VIEW,
        Permission.MANDATES_EDIT,
        Permission.CATALOGUE_EDIT,
        Permission.CATALOGUE_IMPORT,
        Permission.SUBSCRIPTIONS_EDIT,
    },
    RoleName.ACCOUNTING: _EVERYBODY
    | {
        Permission.BANK_DETAILS_VIEW,
        Permission.BANK_DETAILS_EDIT,
        Permission.MANDATES_VIEW,
        Permission.MANDATES_EDIT,
        Permission.INVOICES_VIEW,
        Permission.INVOICES_EDIT,
        Permission.INVOICES_IMPORT,
        Permission.DIRECT_DEBIT_VIEW,
        Permission.DIRECT_DEBIT_RUN,
        Permission.DIRECT_DEBIT_RELEASE,
        Permission.DIRECT_DEBIT_FILE,
        Permission.DIRECT_DEBIT_HAND_IN,
        Permission.BANK_REPORTS_VIEW,
        Permission.BANK_REPORTS_IMPORT,
        Permission.RETURNS_EDIT,
        Permission.CREDITOR_ACCOUNTS_VIEW,
    },
    RoleName.MANAGER: _EVERYBODY
    | {
        Permission.MANDATES_VIEW,
        Permission.INVOICES_VIEW,
        Permission.DIRECT_DEBIT_VIEW,
        Permission.BANK_REPORTS_VIEW,
    },
    RoleName.ADMINISTRATOR: frozenset(Permission),
}
