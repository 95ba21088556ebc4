"""What can be done with data, a module a subject."""

PARTS = ("versions", "history", "descriptions", "refs", "policies", "quality")
