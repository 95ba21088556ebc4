"""What is done with labels where the user's files and processors are, a module a subject."""

PARTS = ("projects", "findings", "exchange", "publish", "erasure")
