"""What is done with privacy where the user's files and keys are, a module a subject."""

PARTS = ("classes", "policies", "reading", "subjects")
