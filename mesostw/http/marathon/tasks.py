"""``/v2/tasks``: every task, and ending tasks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from mesostw.core.marathon.records import Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import InstancesKillAsked, Killed, Planned
from mesostw.http.api.asking import Call, quoted, unexpected
from mesostw.http.api.bodies import Bodies
from mesostw.http.api.refusals import INVALID_JSON, ApiRefusal
from mesostw.http.building import Build
from mesostw.http.marathon.app_shapes import AppShapes
from mesostw.http.marathon.apps import wants_table
from mesostw.http.marathon.asking import ask, planned_reply, terms_of
from mesostw.http.marathon.counting import STRIDE
from mesostw.http.marathon.task_shapes import is_running, is_staged, table
from mesostw.http.rendering import JSON, TEXT, Reply
from mesostw.interfaces import IInbox
from mesostw.model.apps import App, AppId

#: Tasks that one request may end.
IDS_MAX: Final = 10_000
#: An app's id, and behind a dot or ``_`` what tells its tasks apart, in any release.
_TASK_ID: Final = re.compile(r"[^/\s]{1,600}[._][^/\s]{1,200}")
_BOTH: Final = "You cannot use scale and wipe at the same time."


class TasksApi:
    """Tasks of all apps."""

    def __init__(
        self,
        view: Callable[[], MarathonState],
        inbox: IInbox,
        shapes: AppShapes,
        bodies: Bodies,
    ) -> None:
        self._view, self._inbox = view, inbox
        self._shapes, self._bodies = shapes, bodies

    # --- reading ------------------------------------------------------------------

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Every task, or those that run or are on their way to."""
        if words:
            raise ApiRefusal.no_route()
        if wants_table(call):
            return self._table()
        wanted = {"running", "staging"} & set(call.all_of("status", "status[]"))
        if not wanted:
            return await self._bodies.kept("tasks", lambda: self._list(lambda one: True))
        return await self._bodies.once(
            lambda: self._list(
                lambda one: (
                    ("running" in wanted and is_running(one))
                    or ("staging" in wanted and is_staged(one))
                )
            )
        )

    def _list(self, is_wanted: Callable[[Instance], bool]) -> Build:
        view, texts = self._view(), []
        for number, instance in enumerate(tuple(view.instances.values())):
            if is_wanted(instance):
                texts.append(self._shapes.tasks.with_service_ports(view, instance))
            if number % STRIDE == STRIDE - 1:
                yield
        return b'{"tasks":[%b]}' % b",".join(texts)

    def _table(self) -> Reply:
        view = self._view()
        rows = (
            (app.spec, [one for one in view.of_app(app.id).values() if is_running(one)])
            for app in view.apps.values()
        )
        return Reply(table(rows), TEXT)

    # --- ending -------------------------------------------------------------------

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/v2/tasks/delete``: end the tasks that the body names."""
        if words != ("delete",):
            raise ApiRefusal.no_route() if words else ApiRefusal.not_allowed("GET")
        ids = _ids(call)
        return await self._end(call, task_ids=ids)

    async def end_of_app(self, call: Call, app: App) -> Reply:
        """End every task of an app, or those on ``?host=``."""
        host = call.first("host")
        return await self._end(call, app_id=app.id, hostname=None if host in ("", "*") else host)

    async def end_one(self, call: Call, app: App, task_id: str) -> Reply:
        """End one task of an app."""
        known = self._view().of_app(app.id).values()
        if not any(task_id in (one.task_id, one.id) for one in known):
            raise ApiRefusal(404, f"Task '{quoted(task_id)}' does not exist")
        return await self._end(call, app_id=app.id, task_ids=(task_id,), is_one=True)

    async def _end(
        self,
        call: Call,
        *,
        app_id: AppId | None = None,
        task_ids: tuple[str, ...] | None = None,
        hostname: str | None = None,
        is_one: bool = False,
    ) -> Reply:
        scale, wipe = call.flag("scale"), call.flag("wipe")
        if scale and wipe:
            raise ApiRefusal(400, _BOTH)
        question = InstancesKillAsked(
            terms_of(call), task_ids, app_id, hostname, scale=scale, wipe=wipe
        )
        answer = await ask(self._inbox, question)
        if isinstance(answer, Planned):
            return planned_reply(answer)
        if not isinstance(answer, Killed):
            raise unexpected(answer)
        texts = [self._text(one) for one in answer.instances]
        if is_one:
            if not texts:
                # It has ended while it was asked for.
                raise ApiRefusal(404, f"Task '{quoted((task_ids or ('',))[0])}' does not exist")
            return Reply(b'{"task":%b}' % texts[0], JSON)
        return Reply(b'{"tasks":[%b]}' % b",".join(texts), JSON)

    def _text(self, instance: Instance) -> bytes:
        return self._shapes.tasks.with_service_ports(self._view(), instance)


def _ids(call: Call) -> tuple[str, ...]:
    """
    The tasks that a body names.

    :raises ApiRefusal: 400.
    """
    ids = call.document().get("ids")
    if not isinstance(ids, list):
        wrong = "error.path.missing" if ids is None else "error.expected.jsarray"
        raise ApiRefusal(400, INVALID_JSON, details=f"/ids: {wrong}")
    if len(ids) > IDS_MAX:
        raise ApiRefusal(400, f"ids has {len(ids)} tasks: at most {IDS_MAX} in one request.")
    for one in ids:
        if not isinstance(one, str) or not _TASK_ID.fullmatch(one):
            raise ApiRefusal(
                400,
                f"Invalid task id '{quoted(str(one))}'. "
                "[expected the id of a task, such as app.instance-UUID._app.1]",
            )
    return tuple(ids)
