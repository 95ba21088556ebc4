"""Labels: people and functions say what rows mean; every state of labelling is a version.

Lifecycle: data commits versions; **labels turns their rows into questions**, puts them to several people, measures how
far these agree, and commits what they agree on as a version; training sees that.

    ws.labels.create("calls", "churn", classes=["churn", "stay"], show=["text"], annotators=2)
    task = ws.labels.next("calls")[0]                          # or on the page /labels/calls/screen, by keyboard
    ws.labels.label("calls", task.item, labels=["churn"])
    ws.labels.agreement("calls").alpha                         # Krippendorff's α
    ws.labels.errors("calls").found[:3]                        # labels that are probably wrong
    ws.labels.publish("calls").ref                             # churn-labels@4c1e…
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fettle.core.lazy import lazy_exports

if TYPE_CHECKING:
    from fettle.labels.errands.projects import rank_by as rank_by
    from fettle.labels.functions import labelling_function as labelling_function
    from fettle.labels.records import Agreed as Agreed
    from fettle.labels.records import Agreement as Agreement
    from fettle.labels.records import Annotation as Annotation
    from fettle.labels.records import Answer as Answer
    from fettle.labels.records import Consensus as Consensus
    from fettle.labels.records import Item as Item
    from fettle.labels.records import Progress as Progress
    from fettle.labels.records import Project as Project
    from fettle.labels.records import Span as Span
    from fettle.labels.records import Suspects as Suspects
    from fettle.labels.records import Task as Task

_WHERE = {"rank_by": ".errands.projects", "labelling_function": ".functions"}

__all__ = [
    "Agreed",
    "Agreement",
    "Annotation",
    "Answer",
    "Consensus",
    "Item",
    "Progress",
    "Project",
    "Span",
    "Suspects",
    "Task",
    "labelling_function",
    "rank_by",
]

__getattr__, __dir__ = lazy_exports(__name__, {name: _WHERE.get(name, ".records") for name in __all__})
