"""Roles: which one an app gets, and which ones it may have."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.roles import RoleRules, rules_of, top_of
from mesostw.core.marathon.words import Planned
from mesostw.model.apps import AppId, AppSpec, Group, GroupId
from tests.core.marathon.asking import ask_apps, ask_group, faults_of, want
from tests.core.marathon.builders import V1, World

OPS = MarathonFlags(mesos_role="ops")


class RoleTests(SynchronousTestCase):
    """What the place of an app says of its role."""

    def test_top(self) -> None:
        """The top-level group of a path is its first part; an app in the root has none."""
        self.assertEqual([top_of(path) for path in ("/a", "/g/a", "/g/h/a")], ["/", "/g", "/g"])

    def test_rules(self) -> None:
        """Marathon's role, the group's name, or what the app has; a group may insist."""
        had = AppSpec(id=AppId("/g/a"), role="old")
        free = Group(GroupId("/g"), V1)
        enforcing = Group(GroupId("/g"), V1, enforce_role=True)
        rows: list[tuple[str, Group | None, AppSpec | None, RoleRules]] = [
            ("/a", None, None, RoleRules("ops", ("ops",))),
            ("/g/a", None, None, RoleRules("ops", ("ops", "g"))),
            ("/g/h/a", free, None, RoleRules("ops", ("ops", "g"))),
            ("/g/a", free, had, RoleRules("ops", ("ops", "g", "old"))),
            ("/g/a", enforcing, None, RoleRules("g", ("g",))),
            ("/g/a", enforcing, had, RoleRules("g", ("g", "old"))),
        ]
        for app_id, top, before, expected in rows:
            self.assertEqual(rules_of(AppId(app_id), top, OPS, before), expected)

    def test_a_group_enforces_its_name(self) -> None:
        """Apps of a group that enforces its role get it, and may have no other."""
        world = World(OPS)
        document = {"enforceRole": True, "apps": [{"id": "a", "cmd": "a"}]}
        self.assertIsInstance(ask_group(world, "/dev", document), Planned)
        self.assertEqual(world.state.apps[AppId("/dev/a")].spec.role, "dev")
        self.assertEqual(want(world, {"id": "/dev/b", "cmd": "b"}).role, "dev")
        answer = ask_apps(world, {"id": "/dev/c", "cmd": "c", "role": "ops"})
        self.assertEqual(list(faults_of(answer)), ["/role"])

    def test_flag_for_new_groups(self) -> None:
        """With the flag, a top-level group that an app makes enforces its role, for good."""
        world = World(MarathonFlags(mesos_role="ops", new_group_enforce_role="top"))
        self.assertEqual(want(world, {"id": "/dev/x/a", "cmd": "a"}).role, "dev")
        self.assertIs(world.state.groups[GroupId("/dev")].enforce_role, True)
        self.assertEqual(want(world, {"id": "/a", "cmd": "a"}).role, "ops")
        document = {"enforceRole": False, "apps": [{"id": "a", "cmd": "a"}]}
        ask_group(world, "/free", document)
        self.assertEqual(world.state.apps[AppId("/free/a")].spec.role, "ops")

    def test_only_top_level_groups_enforce(self) -> None:
        """Enforcing is for top-level groups; a false one further down says nothing."""
        for group_id in ("/", "/a/b"):
            answer = ask_group(World(), group_id, {"enforceRole": True})
            self.assertEqual(list(faults_of(answer)), ["/enforceRole"])
            self.assertIsInstance(ask_group(World(), group_id, {"enforceRole": False}), Planned)

    def test_not_together_with_apps(self) -> None:
        """Enforcing changes alone: apps that change with it would be restarted by surprise."""
        world = World()
        ask_group(world, "/g", {"apps": [{"id": "a", "cmd": "a"}]})
        document = {"enforceRole": True, "apps": [{"id": "a", "cmd": "b", "role": "*"}]}
        self.assertEqual(list(faults_of(ask_group(world, "/g", document))), ["/enforceRole"])
        document = {"enforceRole": True, "apps": [{"id": "a", "cmd": "a", "role": "*"}]}
        self.assertIsInstance(ask_group(world, "/g", document), Planned)
