"""The history of every record: who changed what, when and by which way in."""
