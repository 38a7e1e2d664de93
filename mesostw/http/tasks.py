"""``/api/v1/tasks/FRAMEWORK/TASK``: one task with all that was said of it; and ending it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from klein import Klein

from mesostw.core.master.state import ClusterState, Task
from mesostw.core.master.words import TaskKillAsked, TeardownAsked
from mesostw.core.outcome import Refusal
from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import Query, Reply, as_json
from mesostw.interfaces import IFeed, IInbox
from mesostw.model.ids import FrameworkId, TaskId

#: A task as the live topic ``tasks`` shows it.
TaskRow: TypeAlias = Callable[[Task], Mapping[str, object]]


class TasksApi:
    """Tasks one by one."""

    app = Klein()

    def __init__(self, feed: IFeed, inbox: IInbox, row: TaskRow) -> None:
        self._feed, self._inbox, self._row = feed, inbox, row

    @app.route("/<framework_id>/<path:task_id>/kill", methods=["POST"])
    @as_json
    async def kill(self, query: Query, framework_id: str, task_id: str) -> object:
        """
        Have a task ended, now or when its agent is back.

        202 is that the wish is kept and outlasts the master, not the end; 404 is that no such
        task is known that could still run.
        """
        check_origin(query)
        found = self._found(framework_id, task_id)
        answer = await self._inbox.ask(TaskKillAsked(found.framework_id, found.id))
        if isinstance(answer, Refusal):
            raise HttpRefusal.of(answer)
        return Reply(status=202)

    @app.route("/<framework_id>/<path:task_id>", methods=["GET", "HEAD"])
    @as_json
    async def timeline(self, query: Query, framework_id: str, task_id: str) -> object:
        """A task's row and its statuses, oldest first."""
        task = self._found(framework_id, task_id)
        statuses = [
            {
                "state": one.state.value,
                "timestamp": one.timestamp,
                "reason": one.reason.value if one.reason is not None else None,
                "source": one.source.value if one.source is not None else None,
                "message": one.message,
                "healthy": one.healthy,
            }
            for one in task.statuses
        ]
        return {**self._row(task), "launched": task.launched, "statuses": statuses}

    def _found(self, framework_id: str, task_id: str) -> Task:
        view: ClusterState = self._feed.view
        task = view.task(FrameworkId(framework_id), TaskId(task_id))
        if task is None:
            raise HttpRefusal.not_found("No such task.\n")
        return task


class Teardown:
    """``POST /teardown``: end a framework; the body is a form with ``frameworkId``."""

    def __init__(self, inbox: IInbox) -> None:
        self._inbox = inbox

    async def ask(self, query: Query) -> Reply:
        """Answer once the framework is removed."""
        check_origin(query)
        framework_id = query.get("frameworkId")
        if not framework_id:
            raise HttpRefusal.bad_request("Missing 'frameworkId' query parameter")
        answer = await self._inbox.ask(TeardownAsked(FrameworkId(framework_id)))
        if isinstance(answer, Refusal):
            raise HttpRefusal.bad_request("No framework found with specified ID")
        return Reply()


def is_same_origin(origin: str | None, host: str | None) -> bool:
    """Whether a request comes from a page of this site, or from no page at all."""
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == (host or "").lower()
    except ValueError:
        return False


def check_origin(query: Query) -> None:
    """
    Refuse what a page of another origin makes an operator's browser do.

    :raises HttpRefusal: 403.
    """
    origin = query.headers("origin")
    # A master that waits passes on what its own pages ask, and says which host was asked;
    # a page of another origin cannot add a header that has not been allowed before.
    hosts = (query.headers("host"), query.headers("x-forwarded-host"))
    if origin is not None and not any(is_same_origin(origin, host) for host in hosts if host):
        raise HttpRefusal.forbidden("Pages of another origin may change nothing here.\n")
