"""What can be done with runs, a module a subject."""

PARTS = (
    "runs",
    "search",
    "compare",
    "views",
    "metrics",
    "journals",
    "experiments",
    "upkeep",
    "collaboration",
    "batch",
    "inputs",
    "sheets",
    "logged_models",
    "traces",
    "evaluation",
    "transfer",
    "browse",
)
