"""The admin of the customers, as Django's documentation writes one."""

from django.contrib import admin

from bench.peers.django_admin.models import Customer, Group

admin.site.register(Group)


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    """The list of customers."""

    list_display = (
        "number", "first_name", "name", "company_name", "kind", "email", "phone", "place",
        "group", "created_at", "changed_at",
    )  # fmt: skip
    search_fields = ("number", "first_name", "name", "company_name", "email", "phone")
    list_filter = (
        "kind", "group", "source", "payment_method", "locked", "newsletter", "created_at",
    )  # fmt: skip
    list_per_page = 50
    list_select_related = ("group",)
