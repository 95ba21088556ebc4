"""Finding runs, in MLflow's filter language."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.core.errors import Invalid
from fettle.protocols.mlflow.calls import Book, Call, wrong
from fettle.protocols.mlflow.errors import invalid
from fettle.protocols.mlflow.experiments import view_of
from fettle.protocols.mlflow.names import experiment_number
from fettle.protocols.mlflow.sheets import run_of

BOOK = Book()
MOST_PAGE = 50_000


class Search(msgspec.Struct):
    """Fields of `runs/search`."""

    experiment_ids: list[str] = []
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"
    max_results: int = 1000
    order_by: list[str] = []
    page_token: str = ""


@BOOK.on("POST", "runs/search")
def search(call: Call, asked: Search) -> Any:
    """Find runs of some experiments."""
    if not 0 < asked.max_results <= MOST_PAGE:
        raise wrong("max_results", asked.max_results)
    try:
        page = call.workspace.perform(
            "tracking.find_sheets",
            {
                "numbers": [experiment_number(each) for each in asked.experiment_ids],
                "where": asked.filter,
                "order_by": asked.order_by,
                "limit": asked.max_results,
                "cursor": asked.page_token or None,
                "deleted": view_of(asked.run_view_type),
            },
            actor=call.caller.actor,
            role=call.caller.role,
        )
    except Invalid as error:
        raise invalid(str(error).replace("\n", " ")) from None
    answer: dict[str, Any] = {"runs": [run_of(each) for each in page.sheets]} if page.sheets else {}
    return {**answer, "next_page_token": page.next} if page.next else answer
