"""``/v2/apps``: what changes apps, and ends their tasks."""

from __future__ import annotations

from mesostw.core.marathon.emitting import app_document
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    AppsAsked,
    Document,
    Planned,
)
from mesostw.http.api.asking import Call, json_reply, unexpected
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.app_shapes import NOTHING_RUNS
from mesostw.http.marathon.apps import EVERY, AppsApi, path_of
from mesostw.http.marathon.asking import ask, planned_headers, planned_reply, terms_of
from mesostw.http.marathon.tasks import TasksApi
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox


class AppChanges:
    """Changing apps."""

    def __init__(self, inbox: IInbox, apps: AppsApi, tasks: TasksApi) -> None:
        self._inbox, self._apps, self._tasks = inbox, apps, tasks

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Create an app, or restart one."""
        match words:
            case ():
                return await self._create(call)
            case (_, *_, "restart"):
                app_id = path_of(words[:-1])
                question = AppRestartAsked(app_id, terms_of(call))
                return planned_reply(_planned(await ask(self._inbox, question)))
            case (_, *_, "tasks" | "versions"):
                raise ApiRefusal.not_allowed("GET")
            case _:
                raise ApiRefusal.not_allowed("GET", "PUT", "PATCH", "DELETE")

    async def _create(self, call: Call) -> Reply:
        question = AppsAsked((call.document(),), terms_of(call), may_exist=False)
        planned = _planned(await ask(self._inbox, question))
        app = planned.apps[0]
        shape = {
            **app_document(app, extensions=call.extensions),
            **NOTHING_RUNS,
            "deployments": [{"id": planned.deployment_id}],
        }
        return json_reply(shape, 201, planned_headers(planned, f"/v2/apps{app.id}"))

    async def put(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Have apps as described, whether they are there already or not."""
        partial = call.flag("partialUpdate", default=True)
        documents = self._documents(call, words)
        question = AppsAsked(documents, terms_of(call), partial=partial)
        planned = _planned(await ask(self._inbox, question))
        if words and planned.created:
            return planned_reply(planned, 201, f"/v2/apps{path_of(words)}")
        return planned_reply(planned)

    async def patch(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Change apps that are there."""
        question = AppsAsked(self._documents(call, words), terms_of(call), may_create=False)
        return planned_reply(_planned(await ask(self._inbox, question)))

    @staticmethod
    def _documents(call: Call, words: tuple[str, ...]) -> tuple[Document, ...]:
        if not words:
            return call.documents()
        # The path says which app is meant, whatever the document says.
        return ({**call.document(), "id": path_of(words)},)

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """End an app, or tasks of one."""
        match words:
            case ():
                raise ApiRefusal.not_allowed("GET", "POST", "PUT", "PATCH")
            case (*_, word, "tasks") if word != EVERY:
                return await self._tasks.end_of_app(call, self._apps.found(words[:-1]))
            case (_, *_, "tasks", task_id):
                return await self._tasks.end_one(call, self._apps.found(words[:-2]), task_id)
            case _:
                # An app is ended whatever deploys it: so the original, and so its clients.
                question = AppRemovalAsked(path_of(words), terms_of(call, force=True))
                return planned_reply(_planned(await ask(self._inbox, question)))


def _planned(answer: object) -> Planned:
    if not isinstance(answer, Planned):
        raise unexpected(answer)
    return answer
