"""What can be done with data, a module a subject."""

PARTS = ("versions", "refs", "policies", "quality")
