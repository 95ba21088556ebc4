"""What can be asked and done to govern a workspace, a module a subject."""

PARTS = ("oversight", "notices")
