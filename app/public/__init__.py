"""Pages for people who log in nowhere: so far the one behind a one-time link."""
