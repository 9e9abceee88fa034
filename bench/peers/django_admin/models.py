"""The customers as a Django model. Their tables are a copy, so Django does not make them."""

from django.db import models


class Group(models.Model):
    """A customer group."""

    name = models.CharField(max_length=32)

    class Meta:
        managed = False
        db_table = "groups"

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """A customer. Choices are named, so that the admin need not look them up."""

    KINDS = {"individual": "Individual", "business": "Business", "perpetual": "Perpetual"}
    SOURCES = {one: one for one in ("Telephone", "Web", "POS", "Import")}
    METHODS = {
        one: one for one in ("SEPA direct debit", "Invoice", "Credit card", "Prepayment", "Cash")
    }

    number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=10, choices=KINDS)
    first_name = models.CharField(max_length=120, null=True, blank=True)
    name = models.CharField(max_length=120, null=True, blank=True)
    company_name = models.CharField(max_length=200, null=True, blank=True)
    email = models.EmailField(null=True, blank=True, unique=True)
    phone = models.CharField(max_length=40, null=True, blank=True)
    street = models.CharField(max_length=200, null=True, blank=True)
    postcode = models.CharField(max_length=20, null=True, blank=True)
    place = models.CharField(max_length=120, null=True, blank=True)
    country = models.CharField(max_length=2, null=True, blank=True)
    group = models.ForeignKey(Group, models.PROTECT, null=True, blank=True)
    source = models.CharField(max_length=10, choices=SOURCES)
    payment_method = models.CharField(max_length=20, choices=METHODS, null=True, blank=True)
    locked = models.BooleanField()
    newsletter = models.BooleanField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "customers"

    def __str__(self) -> str:
        return self.company_name or f"{self.first_name} {self.name}"
