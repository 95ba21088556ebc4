"""What was worked out of things that never change, kept for the next time a page is asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Remembered:
    """The last few results by their names; thread safe.

    Two threads that ask at once may both work it out; the results are equal.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, name: Hashable, work: Callable[[], Any]) -> Any:
        """The result of that name, worked out if it is not kept."""
        with self._guard:
            if name in self._found:
                self._found.move_to_end(name)
                return self._found[name]
        made = work()
        with self._guard:
            self._found[name] = made
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return made
