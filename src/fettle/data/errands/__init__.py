"""What is done with data where the user's files are, a module a subject, in the order of a user's day."""

PARTS = (
    "copies",
    "ingest",
    "imports",
    "versions",
    "tables",
    "store",
    "quality",
    "prepare",
    "synthesize",
    "privacy",
)
