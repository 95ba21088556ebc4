"""What can be done with runs, a module a subject."""

PARTS = ("runs", "metrics", "experiments")
