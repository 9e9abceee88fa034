"""The first schema

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor_label", sa.String(length=255), nullable=False),
        sa.Column(
            "operator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("entity_label", sa.String(length=255), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("changes", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_entries_customer_id_id"), ["customer_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_audit_entries_entity_entity_id_id"),
            ["entity", "entity_id", "id"],
            unique=False,
        )

    op.create_table(
        "creditor_accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=70), nullable=False),
        sa.Column("creditor_identifier", sa.String(length=35), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.Column("scheme", sa.String(length=4), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("max_transactions", sa.Integer(), nullable=False),
        sa.Column("max_amount", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("scheme IN ('CORE', 'B2B')", name=op.f("ck_creditor_accounts_scheme")),
        sa.CheckConstraint("max_amount > 0", name=op.f("ck_creditor_accounts_max_amount")),
        sa.CheckConstraint(
            "max_transactions > 0", name=op.f("ck_creditor_accounts_max_transactions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creditor_accounts")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "groups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("approval_required", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(length=400), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(name) BETWEEN 3 AND 32", name=op.f("ck_groups_name_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "journals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("print_issn", sa.String(length=9), nullable=True),
        sa.Column("online_issn", sa.String(length=9), nullable=True),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column(
            "title_key",
            sa.String(length=500).with_variant(sa.String(length=500, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "sort_title",
            sa.String(length=80).with_variant(sa.String(length=80, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("publisher", sa.String(length=255), nullable=True),
        sa.Column("title_id", sa.String(length=80), nullable=True),
        sa.Column("title_url", sa.String(length=500), nullable=True),
        sa.Column("access_type", sa.String(length=1), nullable=True),
        sa.Column("volumes_per_year", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "print_issn IS NOT NULL OR online_issn IS NOT NULL", name=op.f("ck_journals_has_issn")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journals")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("journals", schema=None) as batch_op:
        batch_op.create_index("ix_journals_online_issn", ["online_issn"], unique=False)
        batch_op.create_index("ix_journals_sort_title", ["sort_title", "id"], unique=False)
        batch_op.create_index("ix_journals_title_key", ["title_key"], unique=False)
        batch_op.create_index("uq_journals_print_issn", ["print_issn"], unique=True)

    op.create_table(
        "login_attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_login_attempts_address_at"), ["address", "at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_login_attempts_email_at"), ["email", "at"], unique=False
        )

    op.create_table(
        "number_series",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_number_series")),
    )
    op.create_table(
        "operators",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("demo", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_login_at", sa.DateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_operators_email_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_operators_fs_uniquifier")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("operators", schema=None) as batch_op:
        batch_op.create_index("uq_operators_email", ["email"], unique=True)

    op.create_table(
        "price_levels",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_levels")),
        sa.UniqueConstraint("name", name=op.f("uq_price_levels_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("discountable", sa.Boolean(), nullable=False),
        sa.Column("vat_rate", sa.Numeric(precision=4, scale=1), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('product', 'service')", name=op.f("ck_products_kind")),
        sa.CheckConstraint("vat_rate >= 0 AND vat_rate <= 100", name=op.f("ck_products_vat_rate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("number", name=op.f("uq_products_number")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "roles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "security_questions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("question", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_questions")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "stores",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("stores", schema=None) as batch_op:
        batch_op.create_index(
            "uq_stores_default",
            ["is_default"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.create_table(
        "undo_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("table_name", sa.String(length=60), nullable=False),
        sa.Column("row_key", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("version_after", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_undo_entries")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("undo_entries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_undo_entries_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_undo_entries_job_id_id"), ["job_id", "id"], unique=False
        )

    op.create_table(
        "collection_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column(
            "creditor_account_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("creditor_name", sa.String(length=70), nullable=False),
        sa.Column("creditor_identifier", sa.String(length=35), nullable=False),
        sa.Column("creditor_iban", sa.String(length=34), nullable=False),
        sa.Column("creditor_bic", sa.String(length=11), nullable=True),
        sa.Column("scheme", sa.String(length=4), nullable=False),
        sa.Column("collection_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("collection_count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column(
            "created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_by_label", sa.String(length=255), nullable=False),
        sa.Column("released_at", sa.DateTime(), nullable=True),
        sa.Column(
            "released_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("released_by_label", sa.String(length=255), nullable=True),
        sa.Column("filed_at", sa.DateTime(), nullable=True),
        sa.Column("handed_in_at", sa.DateTime(), nullable=True),
        sa.Column("voided_at", sa.DateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("scheme IN ('CORE', 'B2B')", name=op.f("ck_collection_runs_scheme")),
        sa.CheckConstraint(
            "state IN ('created', 'released', 'filed', 'handed in', 'answered', 'closed', 'void')",
            name=op.f("ck_collection_runs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["operators.id"],
            name=op.f("fk_collection_runs_created_by_id_operators"),
        ),
        sa.ForeignKeyConstraint(
            ["creditor_account_id"],
            ["creditor_accounts.id"],
            name=op.f("fk_collection_runs_creditor_account_id_creditor_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["released_by_id"],
            ["operators.id"],
            name=op.f("fk_collection_runs_released_by_id_operators"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_runs")),
        sa.UniqueConstraint("number", name=op.f("uq_collection_runs_number")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("collection_runs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_collection_runs_collection_date"), ["collection_date"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_collection_runs_creditor_account_id"),
            ["creditor_account_id"],
            unique=False,
        )

    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "number",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("former_number", sa.String(length=40), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=True),
        sa.Column("first_name", sa.String(length=120), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("alias", sa.String(length=120), nullable=True),
        sa.Column("gender", sa.String(length=10), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("company_name", sa.String(length=200), nullable=True),
        sa.Column("vat_id", sa.String(length=20), nullable=True),
        sa.Column("registration_number", sa.String(length=60), nullable=True),
        sa.Column("contact_name", sa.String(length=120), nullable=True),
        sa.Column("citizenship", sa.String(length=60), nullable=True),
        sa.Column("id_number", sa.String(length=60), nullable=True),
        sa.Column("id_number_issued_by", sa.String(length=120), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column(
            "email_key",
            sa.String(length=254).with_variant(sa.String(length=254, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("telephone_private", sa.String(length=40), nullable=True),
        sa.Column("business_telephone", sa.String(length=40), nullable=True),
        sa.Column("mobile_phone", sa.String(length=40), nullable=True),
        sa.Column("fax", sa.String(length=40), nullable=True),
        sa.Column("homepage", sa.String(length=255), nullable=True),
        sa.Column("preferred_language", sa.String(length=10), nullable=True),
        sa.Column("store_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "dedicated_operator_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("rebate", sa.Integer(), nullable=True),
        sa.Column(
            "price_level_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("reason_for_loss", sa.String(length=200), nullable=True),
        sa.Column("favourite", sa.Boolean(), nullable=False),
        sa.Column("payment_method", sa.String(length=20), nullable=True),
        sa.Column("term_of_payment", sa.Integer(), nullable=True),
        sa.Column("iban", sa.String(length=34), nullable=True),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.Column("institute", sa.String(length=120), nullable=True),
        sa.Column("account_holder", sa.String(length=140), nullable=True),
        sa.Column("collection_hold", sa.Boolean(), nullable=False),
        sa.Column("collection_hold_until", sa.Date(), nullable=True),
        sa.Column("collection_hold_reason", sa.String(length=200), nullable=True),
        sa.Column("newsletter", sa.Boolean(), nullable=False),
        sa.Column("newsletter_set_at", sa.DateTime(), nullable=True),
        sa.Column("newsletter_set_by", sa.String(length=255), nullable=True),
        sa.Column("promotional_sms", sa.Boolean(), nullable=False),
        sa.Column("promotional_sms_set_at", sa.DateTime(), nullable=True),
        sa.Column("promotional_sms_set_by", sa.String(length=255), nullable=True),
        sa.Column("invoices_by_email", sa.Boolean(), nullable=False),
        sa.Column("invoices_by_email_set_at", sa.DateTime(), nullable=True),
        sa.Column("invoices_by_email_set_by", sa.String(length=255), nullable=True),
        sa.Column("login_allowed", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column(
            "security_question_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("security_answer_hash", sa.String(length=255), nullable=True),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("approval_state", sa.String(length=10), nullable=False),
        sa.Column("suppress_registration_email", sa.Boolean(), nullable=False),
        sa.Column("memo", sa.String(length=200), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("lock_text", sa.String(length=400), nullable=True),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column(
            "sort_name",
            sa.String(length=120).with_variant(sa.String(length=120, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "name_key",
            sa.String(length=330).with_variant(sa.String(length=330, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "NOT locked OR coalesce(lock_text, '') <> ''", name=op.f("ck_customers_lock_text")
        ),
        sa.CheckConstraint(
            "approval_state IN ('not needed', 'waiting', 'approved', 'rejected')",
            name=op.f("ck_customers_approval_state"),
        ),
        sa.CheckConstraint(
            "gender IN ('female', 'male', 'diverse')", name=op.f("ck_customers_gender")
        ),
        sa.CheckConstraint(
            "kind <> 'individual' OR first_name IS NOT NULL", name=op.f("ck_customers_first_name")
        ),
        sa.CheckConstraint(
            "kind = 'individual' OR company_name IS NOT NULL",
            name=op.f("ck_customers_company_name"),
        ),
        sa.CheckConstraint(
            "kind IN ('individual', 'business', 'perpetual')", name=op.f("ck_customers_kind")
        ),
        sa.CheckConstraint(
            "payment_method <> 'SEPA direct debit' OR iban IS NOT NULL",
            name=op.f("ck_customers_direct_debit_iban"),
        ),
        sa.CheckConstraint(
            "payment_method IN ('Invoice', 'SEPA direct debit', 'Credit card', 'Cash', 'Prepayment')",
            name=op.f("ck_customers_payment_method"),
        ),
        sa.CheckConstraint(
            "source IN ('Telephone', 'Web', 'POS', 'Import', 'API')",
            name=op.f("ck_customers_source"),
        ),
        sa.CheckConstraint(
            "NOT invoices_by_email OR email IS NOT NULL",
            name=op.f("ck_customers_invoices_by_email"),
        ),
        sa.CheckConstraint("length(memo) <= 200", name=op.f("ck_customers_memo")),
        sa.CheckConstraint("rebate BETWEEN 0 AND 100", name=op.f("ck_customers_rebate")),
        sa.CheckConstraint(
            "term_of_payment BETWEEN 0 AND 365", name=op.f("ck_customers_term_of_payment")
        ),
        sa.ForeignKeyConstraint(
            ["dedicated_operator_id"],
            ["operators.id"],
            name=op.f("fk_customers_dedicated_operator_id_operators"),
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_customers_group_id_groups")
        ),
        sa.ForeignKeyConstraint(
            ["price_level_id"],
            ["price_levels.id"],
            name=op.f("fk_customers_price_level_id_price_levels"),
        ),
        sa.ForeignKeyConstraint(
            ["security_question_id"],
            ["security_questions.id"],
            name=op.f("fk_customers_security_question_id_security_questions"),
        ),
        sa.ForeignKeyConstraint(
            ["store_id"], ["stores.id"], name=op.f("fk_customers_store_id_stores")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("number", name=op.f("uq_customers_number")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.create_index(
            "ix_customers_approval_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("approval_state = 'waiting'"),
            postgresql_where=sa.text("approval_state = 'waiting'"),
        )
        batch_op.create_index(
            "ix_customers_business_telephone", ["business_telephone"], unique=False
        )
        batch_op.create_index(
            "ix_customers_dedicated_operator_id", ["dedicated_operator_id", "id"], unique=False
        )
        batch_op.create_index(
            "ix_customers_deleted_at",
            ["deleted_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.create_index("ix_customers_former_number", ["former_number"], unique=False)
        batch_op.create_index("ix_customers_group_id", ["group_id", "id"], unique=False)
        batch_op.create_index("ix_customers_iban", ["iban"], unique=False)
        batch_op.create_index(
            "ix_customers_kind_changed",
            ["kind", "changed_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_customers_kind_created",
            ["kind", "created_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_customers_kind_number",
            ["kind", "number"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_customers_kind_sort_name",
            ["kind", "sort_name", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_customers_locked",
            ["id"],
            unique=False,
            sqlite_where=sa.text("locked"),
            postgresql_where=sa.text("locked"),
        )
        batch_op.create_index("ix_customers_name_key", ["name_key"], unique=False)
        batch_op.create_index(
            "ix_customers_sort_name",
            ["sort_name", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_customers_store_id"), ["store_id"], unique=False)
        batch_op.create_index("ix_customers_telephone_private", ["telephone_private"], unique=False)
        batch_op.create_index("ix_customers_vat_id", ["vat_id"], unique=False)
        batch_op.create_index(
            "uq_customers_email_key",
            ["email_key"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "uq_customers_mobile_phone",
            ["mobile_phone"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "journal_coverages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "journal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("first", sa.String(length=10), nullable=True),
        sa.Column("last", sa.String(length=10), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("first_volume", sa.String(length=20), nullable=True),
        sa.Column("first_issue", sa.String(length=20), nullable=True),
        sa.Column("last_volume", sa.String(length=20), nullable=True),
        sa.Column("last_issue", sa.String(length=20), nullable=True),
        sa.Column("embargo", sa.String(length=40), nullable=True),
        sa.Column("coverage_depth", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["journal_id"],
            ["journals.id"],
            name=op.f("fk_journal_coverages_journal_id_journals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_coverages")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("journal_coverages", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_journal_coverages_journal_id"), ["journal_id"], unique=False
        )

    op.create_table(
        "journal_titles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "journal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column(
            "title_key",
            sa.String(length=500).with_variant(sa.String(length=500, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"],
            ["journals.id"],
            name=op.f("fk_journal_titles_journal_id_journals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_titles")),
        sa.UniqueConstraint(
            "journal_id", "title_key", name=op.f("uq_journal_titles_journal_id_title_key")
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("journal_titles", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_journal_titles_title_key"), ["title_key"], unique=False
        )

    op.create_table(
        "operators_roles",
        sa.Column(
            "operator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operators.id"],
            name=op.f("fk_operators_roles_operator_id_operators"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_operators_roles_role_id_roles")
        ),
        sa.PrimaryKeyConstraint("operator_id", "role_id", name=op.f("pk_operators_roles")),
    )
    op.create_table(
        "product_prices",
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "price_level_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_product_prices_price")),
        sa.ForeignKeyConstraint(
            ["price_level_id"],
            ["price_levels.id"],
            name=op.f("fk_product_prices_price_level_id_price_levels"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("fk_product_prices_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", "price_level_id", name=op.f("pk_product_prices")),
    )
    op.create_table(
        "stored_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=True),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["operators.id"], name=op.f("fk_stored_files_owner_id_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_files")),
        sa.UniqueConstraint("key", name=op.f("uq_stored_files_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("stored_files", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_stored_files_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_stored_files_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "addresses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=True),
        sa.Column("street", sa.String(length=200), nullable=True),
        sa.Column("line_2", sa.String(length=200), nullable=True),
        sa.Column(
            "postcode",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("place", sa.String(length=120), nullable=True),
        sa.Column(
            "place_key",
            sa.String(length=120).with_variant(sa.String(length=120, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("state", sa.String(length=80), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("care_of", sa.String(length=120), nullable=True),
        sa.Column("po_box", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "kind IN ('main', 'billing', 'shipping')", name=op.f("ck_addresses_kind")
        ),
        sa.CheckConstraint("length(country) = 2", name=op.f("ck_addresses_country")),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_addresses_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.create_index("ix_addresses_country", ["country", "customer_id"], unique=False)
        batch_op.create_index("ix_addresses_customer_id", ["customer_id"], unique=False)
        batch_op.create_index("ix_addresses_place_key", ["place_key", "customer_id"], unique=False)
        batch_op.create_index("ix_addresses_postcode", ["postcode", "customer_id"], unique=False)
        batch_op.create_index(
            "uq_addresses_default",
            ["customer_id", "kind"],
            unique=True,
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.create_table(
        "authorizations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "journal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("basis", sa.String(length=20), nullable=False),
        sa.Column("embargo", sa.String(length=40), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("coverage_from", sa.String(length=10), nullable=True),
        sa.Column("coverage_to", sa.String(length=10), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("first_volume", sa.String(length=20), nullable=True),
        sa.Column("last_volume", sa.String(length=20), nullable=True),
        sa.Column("first_issue", sa.String(length=20), nullable=True),
        sa.Column("last_issue", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "first_day IS NULL OR last_day IS NULL OR first_day <= last_day",
            name=op.f("ck_authorizations_coverage"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_authorizations_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["journals.id"], name=op.f("fk_authorizations_journal_id_journals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorizations")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("authorizations", schema=None) as batch_op:
        batch_op.create_index(
            "ix_authorizations_customer_journal", ["customer_id", "journal_id"], unique=False
        )
        batch_op.create_index("ix_authorizations_journal_id", ["journal_id"], unique=False)

    op.create_table(
        "customer_companies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "company_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("company_name", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "company_id IS NOT NULL OR coalesce(company_name, '') <> ''",
            name=op.f("ck_customer_companies_named"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["customers.id"],
            name=op.f("fk_customer_companies_company_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_companies_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_companies")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("customer_companies", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_customer_companies_company_id"), ["company_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_customer_companies_customer_id"), ["customer_id"], unique=False
        )

    op.create_table(
        "customer_products",
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_products_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_customer_products_product_id_products")
        ),
        sa.PrimaryKeyConstraint("customer_id", "product_id", name=op.f("pk_customer_products")),
    )
    with op.batch_alter_table("customer_products", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_customer_products_product_id_customer_id"),
            ["product_id", "customer_id"],
            unique=False,
        )

    op.create_table(
        "file_downloads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor_label", sa.String(length=255), nullable=False),
        sa.Column(
            "operator_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_files.id"], name=op.f("fk_file_downloads_file_id_stored_files")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_file_downloads_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_downloads")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("file_downloads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_downloads_file_id"), ["file_id"], unique=False)

    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=35), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("remittance_text", sa.String(length=140), nullable=True),
        sa.Column("state", sa.String(length=15), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("currency = 'EUR'", name=op.f("ck_invoices_currency")),
        sa.CheckConstraint(
            "state IN ('open', 'in collection', 'paid', 'returned', 'cancelled')",
            name=op.f("ck_invoices_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_invoices_amount")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_invoices_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("number", name=op.f("uq_invoices_number")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.create_index("ix_invoices_customer_id", ["customer_id", "state"], unique=False)
        batch_op.create_index("ix_invoices_due_on", ["due_on", "id"], unique=False)
        batch_op.create_index("ix_invoices_issued_on", ["issued_on", "id"], unique=False)
        batch_op.create_index(
            "ix_invoices_open",
            ["due_on", "customer_id"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("phase", sa.String(length=120), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=True),
        sa.Column(
            "created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_by_label", sa.String(length=255), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("heartbeat_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["operators.id"], name=op.f("fk_jobs_created_by_id_operators")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_files.id"], name=op.f("fk_jobs_file_id_stored_files")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_created_by_id", ["created_by_id", "id"], unique=False)
        batch_op.create_index("ix_jobs_state", ["state", "id"], unique=False)

    op.create_table(
        "mandates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(length=35), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.Column("account_holder", sa.String(length=140), nullable=False),
        sa.Column("scheme", sa.String(length=4), nullable=False),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column(
            "document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("last_collected_on", sa.Date(), nullable=True),
        sa.Column("original_reference", sa.String(length=35), nullable=True),
        sa.Column("original_iban", sa.String(length=34), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("scheme IN ('CORE', 'B2B')", name=op.f("ck_mandates_scheme")),
        sa.CheckConstraint(
            "state = 'draft' OR signed_on IS NOT NULL", name=op.f("ck_mandates_signed_on")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'active', 'suspended', 'cancelled', 'expired', 'used')",
            name=op.f("ck_mandates_state"),
        ),
        sa.CheckConstraint("type IN ('recurrent', 'one-off')", name=op.f("ck_mandates_type")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_mandates_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["stored_files.id"], name=op.f("fk_mandates_document_id_stored_files")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandates")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("mandates", schema=None) as batch_op:
        batch_op.create_index("ix_mandates_customer_id", ["customer_id", "state"], unique=False)

    op.create_table(
        "run_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=35), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("collection_count", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_files.id"], name=op.f("fk_run_files_file_id_stored_files")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["collection_runs.id"], name=op.f("fk_run_files_run_id_collection_runs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_files")),
        sa.UniqueConstraint("message_id", name=op.f("uq_run_files_message_id")),
        sa.UniqueConstraint("run_id", "part", name=op.f("uq_run_files_run_id_part")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "collections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "invoice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "mandate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("end_to_end_id", sa.String(length=35), nullable=False),
        sa.Column("sequence_type", sa.String(length=4), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("debtor_name", sa.String(length=140), nullable=False),
        sa.Column("iban", sa.String(length=34), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=True),
        sa.Column("mandate_reference", sa.String(length=35), nullable=False),
        sa.Column("mandate_signed_on", sa.Date(), nullable=False),
        sa.Column("original_reference", sa.String(length=35), nullable=True),
        sa.Column("original_iban", sa.String(length=34), nullable=True),
        sa.Column("remittance_text", sa.String(length=140), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=True),
        sa.Column("postcode", sa.String(length=20), nullable=True),
        sa.Column("place", sa.String(length=120), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.CheckConstraint(
            "state IN ('live', 'settled', 'rejected', 'returned', 'void')",
            name=op.f("ck_collections_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_collections_amount")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_collections_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_collections_invoice_id_invoices")
        ),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["mandates.id"], name=op.f("fk_collections_mandate_id_mandates")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["collection_runs.id"], name=op.f("fk_collections_run_id_collection_runs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("end_to_end_id", name=op.f("uq_collections_end_to_end_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("collections", schema=None) as batch_op:
        batch_op.create_index("ix_collections_customer_id", ["customer_id", "state"], unique=False)
        batch_op.create_index("ix_collections_mandate_id", ["mandate_id"], unique=False)
        batch_op.create_index("ix_collections_run_id", ["run_id", "id"], unique=False)
        batch_op.create_index(
            "uq_collections_live_invoice",
            ["invoice_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('live', 'settled')"),
            postgresql_where=sa.text("state IN ('live', 'settled')"),
        )

    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("layout", sa.JSON(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("refused_rows", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column(
            "plan_file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "report_file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "check_job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "run_job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column(
            "created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_by_label", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('checking', 'checked', 'running', 'done', 'refused', 'cancelled', 'taken back')",
            name=op.f("ck_imports_state"),
        ),
        sa.ForeignKeyConstraint(
            ["check_job_id"], ["jobs.id"], name=op.f("fk_imports_check_job_id_jobs")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["operators.id"], name=op.f("fk_imports_created_by_id_operators")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_files.id"], name=op.f("fk_imports_file_id_stored_files")
        ),
        sa.ForeignKeyConstraint(
            ["plan_file_id"], ["stored_files.id"], name=op.f("fk_imports_plan_file_id_stored_files")
        ),
        sa.ForeignKeyConstraint(
            ["report_file_id"],
            ["stored_files.id"],
            name=op.f("fk_imports_report_file_id_stored_files"),
        ),
        sa.ForeignKeyConstraint(
            ["run_job_id"], ["jobs.id"], name=op.f("fk_imports_run_job_id_jobs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index("ix_imports_created_by_id", ["created_by_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_imports_run_job_id"), ["run_job_id"], unique=False)
        batch_op.create_index("ix_imports_sha256", ["sha256", "kind"], unique=False)

    op.create_table(
        "subscriptions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "journal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("volume_only", sa.Boolean(), nullable=False),
        sa.Column("term_from", sa.Date(), nullable=True),
        sa.Column("term_to", sa.Date(), nullable=True),
        sa.Column("copies", sa.Integer(), nullable=True),
        sa.Column("format", sa.String(length=20), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("renewal", sa.Boolean(), nullable=False),
        sa.Column(
            "ship_to_address_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("coverage_from", sa.String(length=10), nullable=True),
        sa.Column("coverage_to", sa.String(length=10), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("first_volume", sa.String(length=20), nullable=True),
        sa.Column("last_volume", sa.String(length=20), nullable=True),
        sa.Column("first_issue", sa.String(length=20), nullable=True),
        sa.Column("last_issue", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "source = 'perpetual' OR term_from IS NOT NULL",
            name=op.f("ck_subscriptions_ordinary_term"),
        ),
        sa.CheckConstraint(
            "source IN ('ordinary', 'perpetual')", name=op.f("ck_subscriptions_source")
        ),
        sa.CheckConstraint("copies IS NULL OR copies > 0", name=op.f("ck_subscriptions_copies")),
        sa.CheckConstraint(
            "first_day IS NULL OR last_day IS NULL OR first_day <= last_day",
            name=op.f("ck_subscriptions_coverage"),
        ),
        sa.CheckConstraint("price IS NULL OR price >= 0", name=op.f("ck_subscriptions_price")),
        sa.CheckConstraint(
            "term_from IS NULL OR term_to IS NULL OR term_from <= term_to",
            name=op.f("ck_subscriptions_term"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_subscriptions_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["journals.id"], name=op.f("fk_subscriptions_journal_id_journals")
        ),
        sa.ForeignKeyConstraint(
            ["ship_to_address_id"],
            ["addresses.id"],
            name=op.f("fk_subscriptions_ship_to_address_id_addresses"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_subscriptions_customer_journal", ["customer_id", "journal_id"], unique=False
        )
        batch_op.create_index("ix_subscriptions_journal_id", ["journal_id", "id"], unique=False)
        batch_op.create_index("ix_subscriptions_source", ["source", "id"], unique=False)
        batch_op.create_index(
            "ix_subscriptions_term_to",
            ["term_to", "id"],
            unique=False,
            sqlite_where=sa.text("source = 'ordinary'"),
            postgresql_where=sa.text("source = 'ordinary'"),
        )

    op.create_table(
        "import_refusals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "import_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("sheet", sa.String(length=255), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["imports.id"],
            name=op.f("fk_import_refusals_import_id_imports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_refusals")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("import_refusals", schema=None) as batch_op:
        batch_op.create_index("ix_import_refusals_import_id", ["import_id", "id"], unique=False)

    op.create_table(
        "subscription_sources",
        sa.Column(
            "subscription_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "authorization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["authorization_id"],
            ["authorizations.id"],
            name=op.f("fk_subscription_sources_authorization_id_authorizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name=op.f("fk_subscription_sources_subscription_id_subscriptions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "subscription_id", "authorization_id", name=op.f("pk_subscription_sources")
        ),
    )
    with op.batch_alter_table("subscription_sources", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_subscription_sources_authorization_id"),
            ["authorization_id"],
            unique=False,
        )

    # Unique without regard to case: expressions, which autogenerate leaves to people.
    for name, table, column in (
        ("uq_creditor_accounts_label", "creditor_accounts", "label"),
        ("uq_groups_name", "groups", "name"),
        ("uq_mandates_reference", "mandates", "reference"),
        ("uq_products_name", "products", "name"),
        ("uq_security_questions_question", "security_questions", "question"),
        ("uq_stores_name", "stores", "name"),
    ):
        op.create_index(name, table, [sa.text(f"lower({column})")], unique=True)


def downgrade() -> None:
    with op.batch_alter_table("subscription_sources", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_subscription_sources_authorization_id"))

    op.drop_table("subscription_sources")
    with op.batch_alter_table("import_refusals", schema=None) as batch_op:
        batch_op.drop_index("ix_import_refusals_import_id")

    op.drop_table("import_refusals")
    with op.batch_alter_table("subscriptions", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_subscriptions_term_to",
            sqlite_where=sa.text("source = 'ordinary'"),
            postgresql_where=sa.text("source = 'ordinary'"),
        )
        batch_op.drop_index("ix_subscriptions_source")
        batch_op.drop_index("ix_subscriptions_journal_id")
        batch_op.drop_index("ix_subscriptions_customer_journal")

    op.drop_table("subscriptions")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_index("ix_imports_sha256")
        batch_op.drop_index(batch_op.f("ix_imports_run_job_id"))
        batch_op.drop_index("ix_imports_created_by_id")

    op.drop_table("imports")
    with op.batch_alter_table("collections", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_collections_live_invoice",
            sqlite_where=sa.text("state IN ('live', 'settled')"),
            postgresql_where=sa.text("state IN ('live', 'settled')"),
        )
        batch_op.drop_index("ix_collections_run_id")
        batch_op.drop_index("ix_collections_mandate_id")
        batch_op.drop_index("ix_collections_customer_id")

    op.drop_table("collections")
    op.drop_table("run_files")
    with op.batch_alter_table("mandates", schema=None) as batch_op:
        batch_op.drop_index("ix_mandates_customer_id")

    op.drop_table("mandates")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_state")
        batch_op.drop_index("ix_jobs_created_by_id")

    op.drop_table("jobs")
    with op.batch_alter_table("invoices", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_invoices_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index("ix_invoices_issued_on")
        batch_op.drop_index("ix_invoices_due_on")
        batch_op.drop_index("ix_invoices_customer_id")

    op.drop_table("invoices")
    with op.batch_alter_table("file_downloads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_file_downloads_file_id"))

    op.drop_table("file_downloads")
    with op.batch_alter_table("customer_products", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customer_products_product_id_customer_id"))

    op.drop_table("customer_products")
    with op.batch_alter_table("customer_companies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customer_companies_customer_id"))
        batch_op.drop_index(batch_op.f("ix_customer_companies_company_id"))

    op.drop_table("customer_companies")
    with op.batch_alter_table("authorizations", schema=None) as batch_op:
        batch_op.drop_index("ix_authorizations_journal_id")
        batch_op.drop_index("ix_authorizations_customer_journal")

    op.drop_table("authorizations")
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_addresses_default",
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )
        batch_op.drop_index("ix_addresses_postcode")
        batch_op.drop_index("ix_addresses_place_key")
        batch_op.drop_index("ix_addresses_customer_id")
        batch_op.drop_index("ix_addresses_country")

    op.drop_table("addresses")
    with op.batch_alter_table("stored_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stored_files_owner_id"))
        batch_op.drop_index(batch_op.f("ix_stored_files_expires_at"))

    op.drop_table("stored_files")
    op.drop_table("product_prices")
    op.drop_table("operators_roles")
    with op.batch_alter_table("journal_titles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journal_titles_title_key"))

    op.drop_table("journal_titles")
    with op.batch_alter_table("journal_coverages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journal_coverages_journal_id"))

    op.drop_table("journal_coverages")
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_customers_mobile_phone",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_customers_email_key",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_customers_vat_id")
        batch_op.drop_index("ix_customers_telephone_private")
        batch_op.drop_index(batch_op.f("ix_customers_store_id"))
        batch_op.drop_index(
            "ix_customers_sort_name",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_customers_name_key")
        batch_op.drop_index(
            "ix_customers_locked",
            sqlite_where=sa.text("locked"),
            postgresql_where=sa.text("locked"),
        )
        batch_op.drop_index(
            "ix_customers_kind_sort_name",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_customers_kind_number",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_customers_kind_created",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_customers_kind_changed",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_customers_iban")
        batch_op.drop_index("ix_customers_group_id")
        batch_op.drop_index("ix_customers_former_number")
        batch_op.drop_index(
            "ix_customers_deleted_at",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_customers_dedicated_operator_id")
        batch_op.drop_index("ix_customers_business_telephone")
        batch_op.drop_index(
            "ix_customers_approval_waiting",
            sqlite_where=sa.text("approval_state = 'waiting'"),
            postgresql_where=sa.text("approval_state = 'waiting'"),
        )

    op.drop_table("customers")
    with op.batch_alter_table("collection_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_collection_runs_creditor_account_id"))
        batch_op.drop_index(batch_op.f("ix_collection_runs_collection_date"))

    op.drop_table("collection_runs")
    with op.batch_alter_table("undo_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_undo_entries_job_id_id"))
        batch_op.drop_index(batch_op.f("ix_undo_entries_created_at"))

    op.drop_table("undo_entries")
    with op.batch_alter_table("stores", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_stores_default",
            sqlite_where=sa.text("is_default"),
            postgresql_where=sa.text("is_default"),
        )

    op.drop_table("stores")
    op.drop_table("security_questions")
    op.drop_table("roles")
    op.drop_table("products")
    op.drop_table("price_levels")
    with op.batch_alter_table("operators", schema=None) as batch_op:
        batch_op.drop_index("uq_operators_email")

    op.drop_table("operators")
    op.drop_table("number_series")
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_attempts_email_at"))
        batch_op.drop_index(batch_op.f("ix_login_attempts_address_at"))

    op.drop_table("login_attempts")
    with op.batch_alter_table("journals", schema=None) as batch_op:
        batch_op.drop_index("uq_journals_print_issn")
        batch_op.drop_index("ix_journals_title_key")
        batch_op.drop_index("ix_journals_sort_title")
        batch_op.drop_index("ix_journals_online_issn")

    op.drop_table("journals")
    op.drop_table("groups")
    op.drop_table("creditor_accounts")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entries_entity_entity_id_id"))
        batch_op.drop_index(batch_op.f("ix_audit_entries_customer_id_id"))
        batch_op.drop_index(batch_op.f("ix_audit_entries_at"))

    op.drop_table("audit_entries")
