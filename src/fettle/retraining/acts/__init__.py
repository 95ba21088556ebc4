"""What can be done with retraining, a module a subject."""

PARTS = ("policies", "intents", "observing", "working")
