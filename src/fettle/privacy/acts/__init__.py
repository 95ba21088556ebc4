"""What can be done with privacy, a module a subject."""

PARTS = ("classes", "policies", "keys", "subjects", "reading")
