"""What is done beside the workspace to govern it, a module a subject."""

PARTS = ("notices",)
