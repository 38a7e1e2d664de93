"""The graph of jobs as text."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.core.chronos.state import ChronosState
from mesostw.http.api.asking import Call
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.chronos.summary import csv_of, dot_of
from mesostw.http.rendering import TEXT, Reply


class GraphsApi:
    """The noun ``graph``."""

    def __init__(self, view: Callable[[], ChronosState]) -> None:
        self._view = view

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``GET graph/dot`` and ``graph/csv``."""
        match words:
            case ("dot",):
                lines = dot_of(self._view())
            case ("csv",):
                lines = csv_of(self._view())
            case _:
                raise ApiRefusal.no_route()
        return Reply("".join(lines).encode(), TEXT)
