"""What every room shares and what knows no business: values, clock, permissions, storage."""
