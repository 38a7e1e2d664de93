"""Groups that are created, replaced, scaled, set back and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import tree
from mesostw.core.marathon.asked import asked
from mesostw.core.marathon.events import AppPosted, GroupChangeSucceeded
from mesostw.core.marathon.records import ActionKind
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    DryRun,
    GroupPatchAsked,
    GroupRemovalAsked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import INT_MAX, AppId, GroupId
from tests.core.marathon.asking import FORCED, ask_apps, ask_group, faults_of, ids
from tests.core.marathon.builders import World


def one(name: str, **fields: object) -> dict[str, object]:
    """A document of an app that runs ``true``."""
    return {"id": name, "cmd": "true", **fields}


class Base(SynchronousTestCase):
    """A world, and how it is asked."""

    def setUp(self) -> None:
        self.world = World()

    def ask(self, group_id: str, document: Mapping[str, object], **how: Any) -> Planned:
        """Have a group; each second another one."""
        answer = ask_group(self.world, group_id, document, **how)
        assert isinstance(answer, Planned), answer
        self.world.later(1.0)
        return answer

    def refused(self, group_id: str, document: Mapping[str, object], **how: Any) -> tuple[str, str]:
        """Why a group is not had; nothing has changed then."""
        before = dict(self.world.state.apps), dict(self.world.state.groups)
        answer = ask_group(self.world, group_id, document, **how)
        assert isinstance(answer, Unfit), answer
        self.assertEqual((self.world.state.apps, self.world.state.groups), before)
        return answer.reason, answer.message

    def faults(self, group_id: str, document: Mapping[str, object]) -> dict[str, str]:
        """What is wrong with a group's document, by path."""
        answer = ask_group(self.world, group_id, document)
        return {path: errors[0] for path, errors in faults_of(answer).items()}

    def groups(self) -> list[GroupId]:
        """Every group below the root."""
        return list(tree.groups_below(self.world.state, GroupId("/")))

    def counts(self) -> dict[AppId, int]:
        """How many instances are wished of each app."""
        return {app.id: app.spec.instances for app in self.world.state.apps.values()}


class CreatingTests(Base):
    """Groups that are not there yet."""

    def test_nested(self) -> None:
        """Groups in groups with apps in them are one change, at one version."""
        answer = self.ask(
            "/shop",
            {
                "apps": [one("web", dependencies=["db/main"])],
                "groups": [{"id": "db", "apps": [one("main")]}, {"id": "empty"}],
            },
            may_exist=False,
        )
        self.assertEqual(ids(self.world), ["/shop/db/main", "/shop/web"])
        self.assertEqual(self.groups(), ["/shop", "/shop/db", "/shop/empty"])
        state = self.world.state
        self.assertEqual({app.version for app in state.apps.values()}, {answer.version})
        self.assertEqual({group.version for group in state.groups.values()}, {answer.version})
        self.assertEqual(state.apps[AppId("/shop/web")].spec.dependencies, ("/shop/db/main",))

    def test_named_by_document(self) -> None:
        """Without a path the document names the group; a new one may be relative to a path."""
        self.ask("/", {"id": "/a"}, may_exist=False)
        self.ask("/a", {"id": "b"}, may_exist=False)
        self.ask("/", {"id": "c", "apps": [one("x")]})
        self.assertEqual((self.groups(), ids(self.world)), (["/a", "/a/b", "/c"], ["/c/x"]))

    def test_another_name_than_the_path(self) -> None:
        """A document that names another group than its path is refused."""
        self.assertEqual(list(self.faults("/a", {"id": "/b"})), ["/id"])
        self.ask("/a/b", {"id": "b"})
        self.ask("/a/b", {"id": "/a/b"})

    def test_wrong_name(self) -> None:
        """A path that is no id names no group."""
        for group_id in ("/A", "/a_b", "/g/-"):
            self.assertEqual(list(self.faults(group_id, {})), ["/id"], group_id)

    def test_already_there(self) -> None:
        """A POST creates no group that is there, by name or by what is in it."""
        ask_apps(self.world, one("/g/a"))
        for group_id in ("/g", "/"):
            self.assertEqual(
                self.refused(group_id, {}, may_exist=False),
                ("exists", f"Group {group_id} is already created. Use PUT to change this group."),
            )

    def test_an_app_is_there(self) -> None:
        """A group has not the path of an app, and not one below an app."""
        ask_apps(self.world, one("/a"))
        self.assertEqual(
            self.refused("/a", {}), ("exists", "An app with the path /a already exists.")
        )
        self.assertEqual(
            self.faults("/a/b", {}),
            {"/": "Groups and Applications may not have the same identifier."},
        )

    def test_wrong_inside(self) -> None:
        """Every fault of every app and group is told, at its path."""
        document = {
            "apps": [one("/other/a"), one("b/c"), one("A"), {"id": "d"}, one("e"), one("e")],
            "groups": [
                {"id": "g", "scaleBy": 2, "apps": [one("a", tty=True), {}]},
                {"id": "/h"},
                {"id": "g"},
                {"pods": [{}]},
            ],
        }
        self.assertEqual(
            list(self.faults("/x", document)),
            [
                "/apps(0)/id",
                "/apps(1)/id",
                "/apps(2)/id",
                "/apps(3)",
                "/apps(5)/id",
                "/groups(0)/scaleBy",
                "/groups(0)/apps(0)/tty",
                "/groups(0)/apps(1)/id",
                "/groups(0)/apps(1)",
                "/groups(1)/id",
                "/groups(2)/id",
                "/groups(3)/id",
            ],
        )
        self.assertEqual(ids(self.world), [])

    def test_cycle_of_groups(self) -> None:
        """Groups that wait for each other are refused."""
        document = {
            "groups": [
                {"id": "a", "dependencies": ["/x/b"], "apps": [one("a")]},
                {"id": "b", "dependencies": ["/x/a"], "apps": [one("b")]},
            ]
        }
        self.assertEqual(
            self.faults("/x", document), {"/": "Dependency graph has cyclic dependencies."}
        )


class ReplacingTests(Base):
    """Groups that are there."""

    def setUp(self) -> None:
        super().setUp()
        self.first = self.ask(
            "/g",
            {
                "apps": [one("a", instances=2), one("b")],
                "groups": [{"id": "h", "apps": [one("c")]}, {"id": "i", "groups": [{"id": "j"}]}],
            },
        )

    def test_left_out(self) -> None:
        """An app or group that a list leaves out goes; a list that is not there changes nothing."""
        self.ask("/g", {"apps": [one("a", instances=2)]})
        self.assertEqual(ids(self.world), ["/g/a", "/g/h/c"])
        self.ask("/g", {"groups": [{"id": "h"}]})
        self.assertEqual(ids(self.world), ["/g/a", "/g/h/c"])
        self.assertEqual(self.groups(), ["/g", "/g/h"])
        self.ask("/g", {"apps": [], "groups": []})
        self.assertEqual((ids(self.world), self.groups()), ([], ["/g"]))

    def test_unchanged(self) -> None:
        """An app that comes out as it was keeps its version, and only it."""
        self.ask("/g", {"apps": [one("a", instances=2), one("b", mem=64)]})
        versions = {app.id: app.version for app in self.world.state.apps.values()}
        self.assertEqual(versions[AppId("/g/a")], self.first.version)
        self.assertEqual(versions[AppId("/g/h/c")], self.first.version)
        self.assertGreater(versions[AppId("/g/b")], self.first.version)

    def test_an_app_is_replaced(self) -> None:
        """What an app's document leaves out has its default again, but for what is ours."""
        ask_apps(self.world, {"id": "/g/a", "mem": 5, "drainDelaySeconds": 3})
        self.ask("/g", {"apps": [one("a")]})
        spec = self.world.state.apps[AppId("/g/a")].spec
        self.assertEqual((spec.mem, spec.instances, spec.drain_delay_seconds), (128.0, 1, 3.0))

    def test_pods(self) -> None:
        """There are no pods yet; a list of none is what our own answers have."""
        self.assertEqual(
            self.faults("/g", {"pods": [{"id": "p"}]}),
            {"/pods": "a pod is not supported yet: leave it out"},
        )
        self.ask("/g", {"pods": []})

    def test_versions_go_up(self) -> None:
        """A change inside is a version of every group around it, and of no other."""
        answer = self.ask("/g/h", {"apps": []})
        versions = {group.id: group.version for group in self.world.state.groups.values()}
        self.assertEqual(
            {versions[GroupId(name)] for name in ("/", "/g", "/g/h")}, {answer.version}
        )
        self.assertEqual(versions[GroupId("/g/i")], self.first.version)

    def test_dependencies_alone(self) -> None:
        """Other dependencies of a group are a version of the group and restart nothing."""
        self.ask("/g", {"dependencies": ["../other"]})
        self.assertEqual(self.world.state.groups[GroupId("/g")].dependencies, ("/other",))
        self.assertEqual(
            {app.version for app in self.world.state.apps.values()}, {self.first.version}
        )

    def test_an_app_takes_a_groups_place(self) -> None:
        """In one document a group may go and an app of its name come."""
        self.ask("/g", {"apps": [one("h")], "groups": []})
        self.assertEqual(ids(self.world), ["/g/h"])

    def test_nothing(self) -> None:
        """A document that changes nothing has a deployment that is over, and no version."""
        before = dict(self.world.state.groups)
        answer = self.ask("/g", {})
        self.assertNotIn(answer.deployment_id, self.world.state.deployments)
        self.assertEqual(self.world.state.groups, before)

    def test_events(self) -> None:
        """A group tells of its version; its apps are posted by nobody."""
        self.world.clear()
        answer = self.ask("/g/h", {"apps": []})
        (changed,) = self.world.told(GroupChangeSucceeded)
        self.assertEqual((changed.group_id, changed.version), ("/g/h", answer.version))
        self.assertEqual(self.world.told(AppPosted), [])

    def test_locked(self) -> None:
        """A group with an app in a deployment is not changed without force."""
        reason, _ = self.refused("/g", {"apps": []}, terms=Terms())
        self.assertEqual(reason, "locked")

    def test_dry_run(self) -> None:
        """A dry run tells the steps and changes nothing."""
        before = dict(self.world.state.apps)
        self.world.clear()
        answer = ask_group(self.world, "/g", {"apps": [one("a", instances=3)]}, dry_run=True)
        assert isinstance(answer, DryRun)
        self.assertEqual(
            [[(action.kind, action.app_id) for action in step] for step in answer.steps],
            [[(ActionKind.STOP, "/g/b")], [(ActionKind.SCALE, "/g/a")]],
        )
        self.assertEqual((self.world.state.apps, self.world.changes), (before, []))


class ScalingTests(Base):
    """``scaleBy``."""

    def setUp(self) -> None:
        super().setUp()
        groups = [{"id": "h", "apps": [one("b", instances=3), one("c", instances=0)]}]
        self.ask("/g", {"apps": [one("a", instances=1)], "groups": groups})
        ask_apps(self.world, one("/x", instances=7))

    def test_scaled(self) -> None:
        """Every app below has so many times its instances, rounded up, and others do not."""
        for factor, expected in ((1.5, (2, 5, 0)), (2, (4, 10, 0)), (0, (0, 0, 0))):
            self.ask("/g", {"scaleBy": factor})
            self.assertEqual(
                tuple(self.counts()[AppId(f"/g/{n}")] for n in ("a", "h/b", "h/c")), expected
            )
        self.assertEqual(self.counts()[AppId("/x")], 7)

    def test_with_other_fields(self) -> None:
        """``scaleBy`` may only come alone."""
        self.assertEqual(list(self.faults("/g", {"scaleBy": 2, "apps": []})), ["/scaleBy"])
        self.assertEqual(list(self.faults("/g", {"scaleBy": 2, "version": "x"})), ["/scaleBy"])
        self.ask("/g", {"id": "/g", "scaleBy": 1})

    def test_unknown(self) -> None:
        """A group that is not there is not scaled."""
        self.assertEqual(
            self.refused("/y", {"scaleBy": 2}), ("unknown", "Group '/y' does not exist")
        )

    def test_too_many(self) -> None:
        """A number that no app may have is refused."""
        self.assertEqual(list(self.faults("/g", {"scaleBy": INT_MAX})), ["/scaleBy"])
        ask_apps(self.world, one("/s/a", labels={"MARATHON_SINGLE_INSTANCE_APP": "true"}))
        self.assertEqual(list(self.faults("/s", {"scaleBy": 2})), ["/scaleBy"])
        self.ask("/s", {"scaleBy": 1})
        self.ask("/g/h", {"apps": [one("b")]})
        self.ask("/g/h", {"scaleBy": INT_MAX})
        self.assertEqual(self.counts()[AppId("/g/h/b")], INT_MAX)

    def test_every_agent(self) -> None:
        """An app with one instance on each agent has a plain number once that is another."""
        ask_apps(self.world, one("/e/a", instances="*"))
        self.ask("/e", {"scaleBy": 1})
        self.assertTrue(self.world.state.apps[AppId("/e/a")].spec.every_agent)
        self.ask("/e", {"scaleBy": 0})
        spec = self.world.state.apps[AppId("/e/a")].spec
        self.assertEqual((spec.every_agent, spec.instances), (False, 0))


class SettingBackTests(Base):
    """``version``."""

    def setUp(self) -> None:
        super().setUp()
        self.first = self.ask("/g", {"apps": [one("a"), one("b")], "groups": [{"id": "h"}]})

    def test_everything_below(self) -> None:
        """Apps that changed are as they were, those that went are back, new ones go."""
        before = {app.id: app.spec for app in self.world.state.apps.values()}
        groups = self.groups()
        ask_apps(self.world, one("/x"))
        self.ask("/g", {"apps": [one("a", mem=5), one("c")], "groups": [{"id": "i"}]})
        answer = self.ask("/g", {"version": self.first.version})
        after = {app.id: app.spec for app in self.world.state.apps.values() if app.id != "/x"}
        self.assertEqual((after, self.groups()), (before, groups))
        self.assertIn("/x", ids(self.world))
        self.assertEqual(self.world.state.groups[GroupId("/g")].version, answer.version)

    def test_same(self) -> None:
        """Back to what is changes nothing."""
        before = dict(self.world.state.apps)
        self.ask("/g", {"version": self.first.version})
        self.assertEqual(self.world.state.apps, before)

    def test_removed_group(self) -> None:
        """The root can be set back to before a group was removed."""
        before = ids(self.world)
        self.world.run(asked, GroupRemovalAsked(GroupId("/g"), FORCED))
        self.world.later(1)
        self.ask("/", {"version": self.first.version})
        self.assertEqual(ids(self.world), before)

    def test_unknown(self) -> None:
        """A version that is not kept, and one without the group, is not gone back to."""
        for version in ("2020-01-01T00:00:00.000Z", "soon"):
            self.assertEqual(
                self.refused("/g", {"version": version}),
                ("unknown", f"Group '/g' does not exist in version {version}"),
            )
        self.ask("/later", {})
        reason, _ = self.refused("/later", {"version": self.first.version})
        self.assertEqual(reason, "unknown")

    def test_with_other_fields(self) -> None:
        """A version comes alone; beside apps it is an answer sent back."""
        document = {"version": self.first.version, "dependencies": ["/x"]}
        self.assertEqual(list(self.faults("/g", document)), ["/version"])
        self.ask("/g", {"version": "1", "apps": [one("a")]})
        self.assertEqual(ids(self.world), ["/g/a"])


class RemovingTests(Base):
    """Groups that go."""

    def remove(self, group_id: str) -> Planned | Unfit:
        answer = self.world.run(asked, GroupRemovalAsked(GroupId(group_id), FORCED))
        assert not isinstance(answer, DryRun)
        return answer

    def test_everything_below(self) -> None:
        """All apps and groups below go, in one deployment; what is beside stays."""
        self.ask("/g", {"apps": [one("a")], "groups": [{"id": "h", "apps": [one("b")]}]})
        ask_apps(self.world, one("/gg/a"))
        self.assertIsInstance(self.remove("/g"), Planned)
        self.assertEqual((ids(self.world), self.groups()), (["/gg/a"], ["/gg"]))

    def test_root(self) -> None:
        """Removing the root removes everything."""
        self.ask("/g", {"apps": [one("a")]})
        ask_apps(self.world, one("/a"))
        self.assertIsInstance(self.remove("/"), Planned)
        self.assertEqual((ids(self.world), self.groups()), ([], []))

    def test_groups_stay(self) -> None:
        """A group stays without what was in it, named or only the path of that, until it goes."""
        self.ask("/named", {"apps": [one("a")]})
        ask_apps(self.world, one("/made/x/a"))
        self.ask("/around/inner", {})
        self.ask("/", {"id": "/named", "apps": []})
        self.world.run(asked, AppRemovalAsked(AppId("/made/x/a"), FORCED))
        self.remove("/around/inner")
        self.assertEqual(self.groups(), ["/around", "/made", "/made/x", "/named"])
        self.remove("/made")
        self.assertEqual(self.groups(), ["/around", "/named"])

    def test_unknown(self) -> None:
        """There is nothing to remove in a group that is not there."""
        self.assertEqual(self.remove("/g"), Unfit("unknown", "Group '/g' does not exist"))


class PatchingTests(Base):
    """``enforceRole`` alone."""

    def alter(self, group_id: str, document: Mapping[str, object]) -> Planned | Unfit:
        answer = self.world.run(asked, GroupPatchAsked(GroupId(group_id), document))
        assert not isinstance(answer, DryRun)
        return answer

    def test_enforced(self) -> None:
        """A group enforces its role from then on; apps that are there keep theirs."""
        ask_apps(self.world, one("/g/a"))
        self.assertIsInstance(self.alter("/g", {"enforceRole": True}), Planned)
        ask_apps(self.world, one("/g/b"))
        roles = {app.id: app.spec.role for app in self.world.state.apps.values()}
        self.assertEqual(roles, {"/g/a": "*", "/g/b": "g"})
        self.alter("/g", {"enforceRole": False})
        ask_apps(self.world, one("/g/c"))
        self.assertEqual(self.world.state.apps[AppId("/g/c")].spec.role, "*")

    def test_refused(self) -> None:
        """Only a top-level group that is there, and only a boolean."""
        self.ask("/g/h", {})
        self.assertEqual(
            list(faults_of(self.alter("/g/h", {"enforceRole": True}))), ["/enforceRole"]
        )
        self.assertEqual(list(faults_of(self.alter("/g", {"enforceRole": 1}))), ["/enforceRole"])
        self.assertEqual(
            self.alter("/x", {"enforceRole": True}), Unfit("unknown", "Group '/x' does not exist")
        )

    def test_nothing(self) -> None:
        """A document that says nothing changes nothing."""
        self.ask("/g", {})
        before = dict(self.world.state.groups)
        self.assertIsInstance(self.alter("/g", {}), Planned)
        self.assertEqual(self.world.state.groups, before)
