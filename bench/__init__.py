"""The measurements: Kontor beside stock Flask-Admin and Django admin, on the same customers."""
