"""Texts are made once, and large ones in slices."""

from __future__ import annotations

from collections.abc import Generator

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import HealthChanged, InstanceChanged, InstanceRemoved
from mesostw.core.marathon.records import Condition, Health
from mesostw.core.marathon.state import MarathonState
from mesostw.http.marathon.app_shapes import AppShapes
from mesostw.http.marathon.counting import STRIDE
from mesostw.http.marathon.embeds import app_embed, group_embed
from mesostw.http.marathon.task_shapes import STALE_TEXTS_MAX, TaskTexts
from tests.core.marathon.builders import app, instance

EVERYTHING = app_embed(("tasks", "counts", "deployments", "readiness", "failures", "taskStats"))


def run(build: Generator[None, None, bytes]) -> tuple[int, bytes]:
    """How many slices a build has, and what it is."""
    slices = 1
    while True:
        try:
            next(build)
        except StopIteration as done:
            return slices, done.value
        slices += 1


class AppShapesTests(SynchronousTestCase):
    """The text of an app with many tasks."""

    def setUp(self) -> None:
        self.view = MarathonState()
        self.app = app("/a", instances=10 * STRIDE)
        self.shapes = AppShapes(lambda: self.view, lambda: 100.0)
        for number in range(10 * STRIDE):
            self.view.apply(InstanceChanged(instance(self.app, number=number)))

    def test_slices(self) -> None:
        """Counting, listing and statistics give way every so many tasks."""
        for part, slices in (("tasks", 11), ("counts", 11), ("taskStats", 11), ("deployments", 1)):
            found, text = run(self.shapes.info(self.app, app_embed((part,))))
            self.assertEqual(found, slices, part)
            self.assertEqual(msgspec.json.decode(text)["id"], "/a")
        slices, text = run(self.shapes.infos([app(f"/a{n}") for n in range(200)], app_embed(())))
        self.assertEqual((slices, len(msgspec.json.decode(text))), (4, 200))

    def test_made_once(self) -> None:
        """A text is made again only for a task that has changed, or whose health has."""
        _, first = run(self.shapes.info(self.app, EVERYTHING))
        _, again = run(self.shapes.info(self.app, EVERYTHING))
        self.assertEqual((first, self.shapes.tasks.made), (again, 10 * STRIDE))
        one, two = instance(self.app, number=1), instance(self.app, Condition.KILLING, 2)
        self.view.apply(HealthChanged(one.id, (Health(0, alive=False),)))
        self.view.apply(InstanceChanged(two))
        run(self.shapes.info(self.app, EVERYTHING))
        self.assertEqual(self.shapes.tasks.made, 10 * STRIDE + 2)

    def test_changes_between_slices(self) -> None:
        """A build goes on when tasks come and go meanwhile."""
        build = self.shapes.info(self.app, EVERYTHING)
        next(build)
        for number in range(5 * STRIDE):
            self.view.apply(InstanceRemoved(instance(self.app, number=number)))
        self.view.apply(InstanceChanged(instance(self.app, number=99_999)))
        _, text = run(build)
        self.assertEqual(len(msgspec.json.decode(text)["tasks"]), 5 * STRIDE + 1)


class TaskTextsTests(SynchronousTestCase):
    """Texts of tasks that are gone."""

    def test_forgotten(self) -> None:
        """They do not fill the memory."""
        view, texts, one = MarathonState(), TaskTexts(), app("/a")
        for number in range(2 * STALE_TEXTS_MAX):
            passing = instance(one, number=number)
            view.apply(InstanceChanged(passing))
            texts.get(view, passing)
            view.apply(InstanceRemoved(passing))
        self.assertLessEqual(len(texts), STALE_TEXTS_MAX + 2)


class EmbedTests(SynchronousTestCase):
    """What ``embed`` means."""

    def test_apps(self) -> None:
        """Every spelling of a part, ``failures`` for three, unknown ones for nothing."""
        for value in ("tasks", "app.tasks", "apps.tasks", "group.apps.tasks"):
            self.assertEqual(app_embed((value,)).parts, {"tasks"})
        failures = {"tasks", "lastTaskFailure", "deployments"}
        self.assertEqual(app_embed(("apps.failures", "apps.nope")).parts, failures)

    def test_groups(self) -> None:
        """Nothing named is groups, apps and pods; what is named is only that."""
        self.assertEqual(group_embed(()).parts, {"groups", "apps", "pods"})
        found = group_embed(("group.apps", "group.apps.counts"))
        self.assertEqual((found.parts, found.app.parts), ({"apps"}, {"counts"}))
