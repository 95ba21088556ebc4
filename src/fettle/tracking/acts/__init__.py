"""What can be done with runs, a module a subject."""

PARTS = (
    "runs",
    "search",
    "compare",
    "views",
    "metrics",
    "experiments",
    "upkeep",
    "collaboration",
    "batch",
    "inputs",
    "logged_models",
    "traces",
    "evaluation",
    "transfer",
)
