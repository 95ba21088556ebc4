"""What can be done with labels, a module a subject."""

PARTS = ("projects", "queue", "findings")
