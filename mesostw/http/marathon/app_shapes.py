"""
An app as the API shows it: its definition, and what ``embed`` adds.

An app may have ten thousand tasks, so its text is built in slices (see ``http/building``).
Texts of what has not changed are kept: definitions by :class:`App`, tasks by instance.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Final

from mesostw.core.marathon.emitting import app_document
from mesostw.core.marathon.state import MarathonState
from mesostw.http.api.asking import encode
from mesostw.http.building import Build
from mesostw.http.marathon.counting import STRIDE, Tally, task_stats
from mesostw.http.marathon.embeds import AppEmbed
from mesostw.http.marathon.task_shapes import TaskTexts, failure_shape, readiness_shape
from mesostw.http.shapes import Texts, joined
from mesostw.model.apps import App

#: What every list shows, and what every single app does, whatever is asked for.
IN_LISTS: Final = ("counts", "deployments")
IN_SINGLES: Final = ("counts", "deployments", "tasks", "lastTaskFailure")
#: What a new app is shown with.
NOTHING_RUNS: Final = {**Tally().counts(), "tasks": []}


class AppShapes:
    """
    Apps of one view.

    :param now: wall seconds, for life times.
    """

    def __init__(self, view: Callable[[], MarathonState], now: Callable[[], float]) -> None:
        self._view, self._now = view, now
        self.tasks = TaskTexts()
        self._plain: Texts[App] = Texts(lambda app: encode(app_document(app)))
        self._extended: Texts[App] = Texts(lambda app: encode(app_document(app, extensions=True)))

    def document(self, app: App, *, extensions: bool = False) -> bytes:
        """An app's definition alone."""
        return (self._extended if extensions else self._plain).get(app)

    def info(self, app: App, embed: AppEmbed) -> Build:
        """An app with what is embedded."""
        view, parts = self._view(), [self.document(app, extensions=embed.extensions)[:-1]]
        if embed.has("counts"):
            tally = yield from self._counted(app)
            parts.append(_members(tally.counts()))
        if embed.has("deployments"):
            held = view.locks.get(app.id)
            parts.append(_members({"deployments": [{"id": held}] if held else []}))
        if embed.has("tasks"):
            tasks = yield from self.task_list(app)
            parts.append(b',"tasks":' + tasks)
        if embed.has("lastTaskFailure"):
            failure = view.last_failure(app.id)
            if failure is not None:
                parts.append(_members({"lastTaskFailure": failure_shape(failure)}))
        if embed.has("readiness"):
            parts.append(_members({"readinessCheckResults": self.readiness(app)}))
        if embed.has("taskStats"):
            instances = tuple(view.of_app(app.id).values())
            stats = yield from task_stats(view, app, instances, self._now())
            parts.append(_members({"taskStats": stats}))
        return b"".join(parts) + b"}"

    def infos(self, apps: Iterable[App], embed: AppEmbed) -> Build:
        """An array of apps."""
        texts = []
        for number, app in enumerate(apps):
            text = yield from self.info(app, embed)
            texts.append(text)
            if number % STRIDE == STRIDE - 1:
                yield
        return joined(texts)

    def task_list(self, app: App) -> Build:
        """An array of an app's tasks."""
        view, texts = self._view(), []
        for number, instance in enumerate(tuple(view.of_app(app.id).values())):
            texts.append(self.tasks.get(view, instance))
            if number % STRIDE == STRIDE - 1:
                yield
        return joined(texts)

    def readiness(self, app: App) -> list[dict[str, object]]:
        """What readiness checks of an app's instances said last."""
        view = self._view()
        if not view.readiness:
            return []
        found = (view.readiness.get(instance_id) for instance_id in view.of_app(app.id))
        return [readiness_shape(one) for one in found if one is not None]

    def _counted(self, app: App) -> Generator[None, None, Tally]:
        view, tally, now = self._view(), Tally(), self._now()
        for number, instance in enumerate(tuple(view.of_app(app.id).values())):
            tally.add(view, instance, now)
            if number % STRIDE == STRIDE - 1:
                yield
        return tally


def _members(shape: Mapping[str, object]) -> bytes:
    """Members of an object that others precede."""
    return b"," + encode(shape)[1:-1]
