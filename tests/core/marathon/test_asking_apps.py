"""Apps that are created, changed, set back, restarted and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.asked import asked
from mesostw.core.marathon.events import AppPosted, GroupChangeFailed, GroupChangeSucceeded
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    Locked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import App, AppId, Stamp
from tests.core.marathon.asking import FORCED, ask_apps, faults_of, ids
from tests.core.marathon.builders import World

A = AppId("/a")
CYCLE = "Dependency graph has cyclic dependencies."
SAME = "Groups and Applications may not have the same identifier."


def planned(answer: object) -> Planned:
    """An answer that is a plan."""
    assert isinstance(answer, Planned), answer
    return answer


def unfit(answer: object) -> tuple[str, str]:
    """Why an answer is a refusal: the reason and the message."""
    assert isinstance(answer, Unfit), answer
    return answer.reason, answer.message


class Base(SynchronousTestCase):
    """A world, and how it is asked."""

    def setUp(self) -> None:
        self.world = World()

    def ask(self, *documents: Mapping[str, object], **how: Any) -> Planned | Unfit:
        return ask_apps(self.world, *documents, **how)

    def app(self, app_id: str = "/a") -> App:
        return self.world.state.apps[AppId(app_id)]

    def later(self) -> None:
        """Have the next version be another millisecond, as it is for people."""
        self.world.later(1.0)


class CreatingTests(Base):
    """Apps that are not there yet."""

    def test_created(self) -> None:
        """A new app is there at once, at one version, and the answer shows it."""
        answer = planned(self.ask({"id": "/a", "cmd": "a"}, may_exist=False))
        self.assertEqual(answer.apps, (self.app(),))
        self.assertEqual(answer.created, {A})
        app = self.app()
        self.assertEqual(
            {app.version, app.last_scaling_at, app.last_config_change_at}, {answer.version}
        )

    def test_already_there(self) -> None:
        """A POST does not change an app."""
        self.ask({"id": "/a", "cmd": "a"})
        self.assertEqual(
            unfit(self.ask({"id": "/a", "cmd": "b"}, may_exist=False)),
            ("exists", "An app with id [/a] already exists."),
        )
        self.assertEqual(self.app().spec.cmd, "a")

    def test_missing(self) -> None:
        """A PATCH does not create an app."""
        self.assertEqual(
            unfit(self.ask({"id": "/a", "cmd": "a"}, may_create=False)),
            ("unknown", "App '/a' does not exist"),
        )

    def test_no_id(self) -> None:
        """A document without an id is malformed."""
        answer = self.ask({"cmd": "a"})
        self.assertEqual(faults_of(answer), {"/id": ("error.path.missing",)})
        self.assertEqual(unfit(answer), ("malformed", "Invalid JSON"))

    def test_several(self) -> None:
        """Several apps are one deployment, those that are new and those that change."""
        self.ask({"id": "/a", "cmd": "a"})
        self.later()
        answer = planned(self.ask({"id": "/a", "instances": 2}, {"id": "b", "cmd": "b"}))
        self.assertEqual([app.id for app in answer.apps], ["/a", "/b"])
        self.assertEqual(answer.created, {"/b"})
        self.assertEqual({app.version for app in answer.apps}, {answer.version})

    def test_same_id_as_a_group(self) -> None:
        """No path is both an app and a group, whichever of them is there first."""
        self.ask({"id": "/g/x/a", "cmd": "a"})
        for app_id in ("/g", "/g/x", "/g/x/a/b"):
            answer = self.ask({"id": app_id, "cmd": "a"})
            self.assertEqual(faults_of(answer)["/"][0], SAME, app_id)
        answer = self.ask({"id": "/n", "cmd": "a"}, {"id": "/n/a", "cmd": "a"})
        self.assertEqual(faults_of(answer)["/"], (SAME, "'/n' would be an app and a group"))
        many = [{"id": f"/m/{n}", "cmd": "a"} for n in range(6)]
        answer = self.ask({"id": "/g/x", "cmd": "a"}, *many)
        self.assertEqual(faults_of(answer)["/"], (SAME, "'/g/x' would be an app and a group"))
        self.assertEqual(ids(self.world), ["/g/x/a"])

    def test_cycle(self) -> None:
        """Apps that wait for each other are refused, with the way round."""
        self.ask({"id": "/a", "cmd": "a", "dependencies": ["/g"]})
        answer = self.ask({"id": "/g/b", "cmd": "b", "dependencies": ["/a"]})
        found = faults_of(answer)["/"]
        self.assertEqual(found[0], CYCLE)
        self.assertIn("/g/b -> ", found[1] + " -> ")
        self.assertEqual(ids(self.world), ["/a"])


class ChangingTests(Base):
    """Apps that are there."""

    def setUp(self) -> None:
        super().setUp()
        self.ask({"id": "/a", "cmd": "a", "instances": 2})
        self.first = self.app()
        self.later()

    def test_nothing(self) -> None:
        """A change of nothing has a deployment, which is over, and leaves the version."""
        answer = planned(self.ask({"id": "/a", "cmd": "a", "instances": 2}))
        self.assertEqual(self.app(), self.first)
        self.assertEqual(answer.apps, (self.first,))
        self.assertGreater(answer.version, self.first.version)
        self.assertNotIn(answer.deployment_id, self.world.state.deployments)

    def test_scaling(self) -> None:
        """Another number of instances is a version, but no other configuration."""
        answer = planned(self.ask({"id": "/a", "instances": 3}))
        app = self.app()
        self.assertEqual((app.version, app.last_scaling_at), (answer.version, answer.version))
        self.assertEqual(app.last_config_change_at, self.first.version)

    def test_drain_delay(self) -> None:
        """How slowly instances go restarts none of them."""
        self.ask({"id": "/a", "drainDelaySeconds": 5})
        self.assertEqual(self.app().last_config_change_at, self.first.version)

    def test_configuration(self) -> None:
        """Anything else, a label too, is another configuration."""
        rows: list[dict[str, object]] = [
            {"labels": {"a": "b"}},
            {"cmd": "b", "instances": 3},
            {"killSelection": "OLDEST_FIRST"},
            {"ports": [0, 0]},
        ]
        for fields in rows:
            answer = planned(self.ask({"id": "/a", **fields}))
            self.assertEqual(self.app().last_config_change_at, answer.version, fields)
            self.assertEqual(self.app().last_scaling_at, answer.version, fields)

    def test_set_back(self) -> None:
        """A version alone brings back what was wished then, as a new version."""
        self.ask({"id": "/a", "cmd": "b", "instances": 5})
        self.later()
        answer = planned(self.ask({"id": "/a", "version": self.first.version}))
        self.assertEqual(self.app().spec, self.first.spec)
        self.assertEqual(self.app().version, answer.version)

    def test_set_back_to_nothing(self) -> None:
        """A version that is not kept, or is none, is not gone back to."""
        for text in ("2026-01-01T00:00:00.000Z", "yesterday"):
            self.assertEqual(
                unfit(self.ask({"id": "/a", "version": text})),
                ("unknown", f"App '/a' does not exist in version {text}"),
            )

    def test_version_and_more(self) -> None:
        """A version beside other fields is not understood, unless we have shown it so."""
        document: dict[str, object] = {"id": "/a", "version": self.first.version, "cmd": "b"}
        self.assertEqual(
            faults_of(self.ask(document)),
            {"/version": ("The 'version' field may only be combined with the 'id' field.",)},
        )
        planned(self.ask({**document, "versionInfo": {}}))
        self.assertEqual(self.app().spec.cmd, "b")

    def test_locked(self) -> None:
        """What is being deployed is not changed without force, and the other one is named."""
        (running,) = self.world.state.deployments
        answer = self.ask({"id": "/a", "instances": 5}, terms=Terms())
        assert isinstance(answer, Locked)
        self.assertEqual((answer.reason, answer.deployments), ("locked", (running,)))
        for question in (AppRestartAsked(A, Terms()), AppRemovalAsked(A, Terms())):
            self.assertEqual(self.world.run(asked, question), answer)
        self.assertEqual(self.app(), self.first)

    def test_restart(self) -> None:
        """A restart is another configuration that says the same."""
        answer = planned(self.world.run(asked, AppRestartAsked(A, FORCED)))
        app = self.app()
        self.assertEqual(app.spec, self.first.spec)
        self.assertEqual((app.version, app.last_config_change_at), (answer.version,) * 2)
        self.assertEqual(app.last_scaling_at, self.first.version)
        self.assertEqual(answer.apps, (app,))

    def test_removal(self) -> None:
        """A removed app is not there any more, and the answer shows what it was."""
        answer = planned(self.world.run(asked, AppRemovalAsked(A, FORCED)))
        self.assertEqual((ids(self.world), answer.apps), ([], (self.first,)))

    def test_of_nothing(self) -> None:
        """There is nothing to restart or remove in an app that is not there."""
        for question in (
            AppRestartAsked(AppId("/b"), FORCED),
            AppRemovalAsked(AppId("/b"), FORCED),
        ):
            self.assertEqual(
                unfit(self.world.run(asked, question)), ("unknown", "App '/b' does not exist")
            )


class EventTests(Base):
    """What the event stream hears."""

    def test_accepted(self) -> None:
        """An app that is created tells of itself, and of the group it is in."""
        terms = Terms(client_ip="10.0.0.1", uri="/v2/apps")
        answer = planned(self.ask({"id": "/g/a", "cmd": "a"}, terms=terms))
        (posted,) = self.world.told(AppPosted)
        self.assertEqual((posted.client_ip, posted.uri), ("10.0.0.1", "/v2/apps"))
        self.assertEqual(posted.spec, self.app("/g/a").spec)
        (changed,) = self.world.told(GroupChangeSucceeded)
        self.assertEqual((changed.group_id, changed.version), ("/g", answer.version))

    def test_refused(self) -> None:
        """A tree that may not be is told of with its reason; a wrong document is not."""
        self.ask({"id": "/a", "cmd": "a"})
        self.world.clear()
        self.ask({"id": "/a/b", "cmd": "a"})
        (failed,) = self.world.told(GroupChangeFailed)
        self.assertEqual(failed.group_id, "/a")
        self.assertIn(SAME, failed.reason)
        self.ask({"id": "/b"})
        self.assertEqual(len(self.world.changes), 1)

    def test_removed(self) -> None:
        """A removed app is told of as it was."""
        self.ask({"id": "/a", "cmd": "a"})
        before = self.app()
        self.world.clear()
        self.world.run(asked, AppRemovalAsked(A, FORCED))
        (posted,) = self.world.told(AppPosted)
        self.assertEqual(posted.spec, before.spec)


class StampTests(Base):
    """Versions sort as text, also when a clock does not."""

    def test_two_at_once(self) -> None:
        """Two changes in one millisecond have two versions."""
        first = planned(self.ask({"id": "/a", "cmd": "a"})).version
        second = planned(self.ask({"id": "/b", "cmd": "a"})).version
        self.assertEqual(first, Stamp("2027-01-15T08:00:00.000Z"))
        self.assertEqual(second, Stamp("2027-01-15T08:00:00.001Z"))
