"""Stock Django admin, as an application of Django's own kind."""
