"""What is done with models where the user's files are, a module a subject."""

PARTS = ("versions",)
