"""Rights to journals: perpetual authorizations, ordinary subscriptions, and their merge."""
