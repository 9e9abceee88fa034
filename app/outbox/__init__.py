"""Outgoing mail: written with the change it tells of, sent afterwards by a job."""
