"""What is done with runs where the user's files and journals are, a module a subject."""

PARTS = ("compare", "sync", "imports", "upkeep")
