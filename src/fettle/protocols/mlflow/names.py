"""What MLflow lets name and fill a parameter, metric or tag, in its clients' words."""

from __future__ import annotations

import posixpath
import re

from fettle.protocols.mlflow.calls import wrong
from fettle.protocols.mlflow.errors import Refused, invalid

MOST_KEY = 250
MOST_PARAM = 6000
MOST_TAG = 8000
MOST_EXPERIMENT_TAG = 20000
MOST_METRICS = 1000
MOST_PARAMS = 100
MOST_ENTITIES = 1000

_KEY = re.compile(r"[/\w.\- :]*")
_EXPERIMENT_ID = re.compile(r"\d{1,18}")
_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and "
    "slashes (/)."
)


def check_key(name: str, path: str = "key", *, kind: str = "") -> str:
    """Return `name` if it may name a parameter, metric or tag.

    Args:
        name: What to check.
        path: Where it stands in the request, for the message.
        kind: Such as `Metric name`, for the message about its length.

    Raises:
        Refused: It has other characters, resolves to another name as a path, or is too long.
    """
    if not _KEY.fullmatch(name):
        raise wrong(path, name, _CHARACTERS)
    norm = posixpath.normpath(name)
    if norm != name or norm == "." or norm.startswith(("..", "/")):
        raise wrong(
            path,
            name,
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as "
            f"such. This name would resolve to {norm!r}",
        )
    check_length(kind or path, name, MOST_KEY)
    return name


def check_length(what: str, text: str, most: int) -> str:
    """Return `text` if it has at most `most` characters."""
    if len(text) > most:
        raise invalid(f"'{what}' exceeds the maximum length of {most} characters")
    return text


def check_number(what: str, most: int, count: int) -> None:
    """Refuse a batch with more than `most` of something."""
    if count > most:
        raise invalid(
            f"A batch logging request can contain at most {most} {what}. Got {count} {what}. "
            f"Please split up {what} across multiple requests and try again."
        )


def experiment_number(text: str) -> int:
    """The number that an experiment's id says.

    Raises:
        Refused: It is no number.
    """
    if not _EXPERIMENT_ID.fullmatch(text):
        shown = text[:80]
        raise invalid(f"Invalid experiment ID '{shown}'. Experiment ID must be a valid integer.")
    return int(text)


def unknown_run(run_id: str) -> Refused:
    """The error for a run that is not there."""
    return Refused("RESOURCE_DOES_NOT_EXIST", f"Run with id={run_id[:300]} not found")
