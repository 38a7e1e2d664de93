"""Tasks, as the old prefixes end them and hear of them."""

from __future__ import annotations

from typing import Final

from mesostw.core.chronos.words import (
    AllTasksDropAsked,
    Dialect,
    JobKillAsked,
    ProgressAsked,
    VerdictAsked,
)
from mesostw.http.api.asking import Call
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.chronos.asking import NOTHING, actor_of, ask, document_of
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.ids import TaskId
from mesostw.model.jobs import JobName

#: What a client may say of one run's progress at a time, and how its end is numbered.
NUMBER_MAX: Final = 2**31 - 1


class OldTasks:
    """The noun ``task``, and ``job/NAME/task/ID/progress``."""

    def __init__(self, inbox: IInbox, dialect: Dialect) -> None:
        self._inbox, self._dialect = inbox, dialect

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``DELETE task/kill/NAME``; ``DELETE task/all`` (Chronos 2)."""
        match words:
            case ("kill", name):
                question = JobKillAsked(name=JobName(name), by=actor_of(call))
                _ = await ask(self._inbox, question, is_old=True)
            case ("all",) if self._dialect is Dialect.V2:
                _ = await ask(self._inbox, AllTasksDropAsked(by=actor_of(call)), is_old=True)
            case _:
                raise ApiRefusal.no_route()
        return NOTHING

    async def put(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``PUT task/ID`` (Chronos 2): how a run of an asynchronous job ended."""
        match words:
            case (task_id,):
                code = _number(call, "statusCode", low=-NUMBER_MAX)
                question = VerdictAsked(task_id=TaskId(task_id), status_code=code)
                _ = await ask(self._inbox, question, is_old=True)
                return NOTHING
            case _:
                raise ApiRefusal.no_route()

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``POST job/NAME/task/ID/progress``."""
        match words:
            case (name, "task", task_id, "progress"):
                elements = _number(call, "numAdditionalElementsProcessed", low=0)
                question = ProgressAsked(
                    name=JobName(name), task_id=TaskId(task_id), elements=elements
                )
                _ = await ask(self._inbox, question, is_old=True)
                return NOTHING
            case _:
                raise ApiRefusal.no_route()


def _number(call: Call, name: str, low: int) -> int:
    """
    One number of the body.

    :raises ApiRefusal: 400.
    """
    value = document_of(call).get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= NUMBER_MAX:
        raise ApiRefusal(
            400, f"{name} is {value!r:.100}: give a whole number from {low} to {NUMBER_MAX}"
        )
    return value
