"""The peers: two admins as their own documentation builds them, on a copy of the customers."""
