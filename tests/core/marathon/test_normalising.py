"""From documents to what is wished: old forms, defaults that depend, and what stays."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.emitting import app_document, spec_document
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.model.apps import (
    AppSpec,
    Check,
    CheckHttp,
    Constraint,
    Fetch,
    HealthCheck,
    Network,
    NetworkMode,
    Operator,
    PortDefinition,
    UnreachableStrategy,
    UpgradeStrategy,
)
from tests.core.marathon.asking import ask_apps, ask_group, want
from tests.core.marathon.builders import World, app

HOST: Final = (Network(mode=NetworkMode.HOST),)
FIRST: Final = PortDefinition(port=10_000, name="default")


def upgrade(least: float, over: float) -> UpgradeStrategy:
    """What is kept while instances are replaced."""
    return UpgradeStrategy(minimum_health_capacity=least, maximum_over_capacity=over)


def unreachable(inactive: int, expunge: int) -> UnreachableStrategy:
    """When instances that are away are replaced, and forgotten."""
    return UnreachableStrategy(inactive_after_seconds=inactive, expunge_after_seconds=expunge)


#: What a document says beside ``id`` and ``cmd``, and what is wished then.
GOLDEN: list[tuple[dict[str, object], dict[str, object]]] = [
    ({}, {"instances": 1, "cpus": 1.0, "mem": 128.0, "networks": HOST, "role": "*"}),
    ({}, {"port_definitions": (FIRST,), "accepted_resource_roles": ("*",)}),
    ({"cmd": None, "args": ["a"]}, {"cmd": None, "args": ("a",)}),
    # Ports.
    ({"portDefinitions": []}, {"port_definitions": ()}),
    ({"ports": []}, {"port_definitions": ()}),
    (
        {"ports": [0, 80]},
        {"port_definitions": (PortDefinition(port=10_000), PortDefinition(port=80))},
    ),
    ({"ports": None, "portDefinitions": None}, {"port_definitions": (FIRST,)}),
    # Files.
    (
        {"uris": ["http://h/a.tar.gz", "http://h/a.txt", "http://h/a.zip?b"]},
        {
            "fetch": (
                Fetch(uri="http://h/a.tar.gz"),
                Fetch(uri="http://h/a.txt", extract=False),
                Fetch(uri="http://h/a.zip?b", extract=False),
            )
        },
    ),
    # Networks and containers.
    ({"networks": []}, {"networks": HOST}),
    ({"container": {"type": "MESOS"}}, {"networks": HOST}),
    # Where.
    (
        {"constraints": [["a", "like", "b"]]},
        {"constraints": (Constraint("a", Operator.LIKE, "b"),)},
    ),
    # Checks.
    ({"healthChecks": [{}]}, {"health_checks": (HealthCheck(port_index=0),)}),
    ({"healthChecks": [{"port": 5}]}, {"health_checks": (HealthCheck(port=5),)}),
    ({"check": {"http": {}}}, {"check": Check(http=CheckHttp(port_index=0))}),
    # How instances are replaced.
    ({}, {"upgrade_strategy": upgrade(1.0, 1.0)}),
    (
        {"labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"}},
        {"upgrade_strategy": upgrade(0.0, 0.0)},
    ),
    ({}, {"unreachable_strategy": unreachable(0, 0)}),
    ({"unreachableStrategy": "disabled"}, {"unreachable_strategy": None}),
    (
        {"unreachableStrategy": {"expungeAfterSeconds": 5}},
        {"unreachable_strategy": unreachable(0, 5)},
    ),
    # Ids.
    ({"dependencies": ["b", "/b", "c/../b", "./c/d"]}, {"dependencies": ("/b", "/c/d")}),
    # Ours.
    ({"instances": "*"}, {"every_agent": True, "instances": 1}),
    ({"drainDelaySeconds": 2.5}, {"drain_delay_seconds": 2.5}),
]


class GoldenTests(SynchronousTestCase):
    """One document in, one app out."""

    def test_new(self) -> None:
        """A new app has what its document says, and defaults for the rest."""
        for fields, expected in GOLDEN:
            spec = want(World(), {"cmd": "true", **fields})
            self.assertEqual({name: getattr(spec, name) for name in expected}, expected, fields)

    def test_reserved_roles(self) -> None:
        """Whose resources an app takes by default is what the flag and its role say."""
        rows = {
            "": ("*", "ops"),
            "any": ("*", "ops"),
            "unreserved": ("*",),
            "reserved": ("ops",),
            "reserved,unreserved": ("*", "ops"),
        }
        for flag, expected in rows.items():
            flags = MarathonFlags(mesos_role="ops", default_accepted_resource_roles=flag)
            spec = want(World(flags), {"cmd": "true"})
            self.assertEqual((spec.role, spec.accepted_resource_roles), ("ops", expected), flag)


class ChangeTests(SynchronousTestCase):
    """What a document leaves out."""

    def world(self, **spec: Any) -> World:
        """A world with the app ``/a``."""
        world = World()
        fields = {"port_definitions": (FIRST,), "accepted_resource_roles": ("*",), **spec}
        world.add(app("/a", **fields))
        return world

    def test_partial(self) -> None:
        """What a partial change leaves out stays, what it says takes the place of what was."""
        world = self.world(instances=3, env={"A": "a", "B": "b"}, cpus=0.5)
        spec = want(world, {"env": {"C": "c"}, "mem": 64})
        self.assertEqual((spec.instances, spec.cpus, spec.mem), (3, 0.5, 64.0))
        self.assertEqual((spec.env, spec.cmd), ({"C": "c"}, "true"))
        self.assertEqual(spec.port_definitions, (FIRST,))

    def test_full(self) -> None:
        """What a replacement leaves out has its default again; a port keeps its number."""
        world = self.world(instances=3, env={"A": "a"}, cpus=0.5)
        spec = want(world, {"cmd": "other"}, partial=False)
        self.assertEqual((spec.instances, spec.cpus, spec.env), (1, 1.0, {}))
        self.assertEqual((spec.cmd, spec.port_definitions), ("other", (FIRST,)))

    def test_command(self) -> None:
        """One way to say a command takes the place of the other."""
        spec = want(self.world(cmd="true"), {"args": ["a", "b"]})
        self.assertEqual((spec.cmd, spec.args), (None, ("a", "b")))
        spec = want(self.world(cmd=None, args=("a",)), {"cmd": "b"})
        self.assertEqual((spec.cmd, spec.args), ("b", ()))

    def test_every_agent(self) -> None:
        """The number that was shown keeps one on each agent; another number turns that off."""
        rows: list[tuple[dict[str, object], tuple[bool, int]]] = [
            ({"mem": 64}, (True, 4)),
            ({"instances": 4}, (True, 4)),
            ({"instances": "*"}, (True, 4)),
            ({"instances": 5}, (False, 5)),
            ({"instances": 0}, (False, 0)),
        ]
        for fields, expected in rows:
            for partial in (True, False):
                world = self.world(every_agent=True, instances=4)
                spec = want(world, {"cmd": "true", **fields}, partial=partial)
                self.assertEqual((spec.every_agent, spec.instances), expected, (fields, partial))

    def test_drain_delay(self) -> None:
        """A drain delay stays until null or 0 turns it off."""
        rows: list[tuple[dict[str, object], float]] = [
            ({}, 3.0),
            ({"drainDelaySeconds": None}, 0.0),
            ({"drainDelaySeconds": 0}, 0.0),
            ({"drainDelaySeconds": 5}, 5.0),
        ]
        for fields, expected in rows:
            for partial in (True, False):
                world = self.world(drain_delay_seconds=3.0)
                spec = want(world, {"cmd": "true", **fields}, partial=partial)
                self.assertEqual(spec.drain_delay_seconds, expected, (fields, partial))

    def test_accepted_roles_follow_the_role(self) -> None:
        """An app that never said whose resources it takes takes those of its new role."""
        world = World()
        world.add(app("/ops/a", accepted_resource_roles=("*",), port_definitions=(FIRST,)))
        spec = want(world, {"id": "/ops/a", "role": "ops"})
        self.assertEqual(spec.accepted_resource_roles, ("*", "ops"))

    def test_answer_sent_back(self) -> None:
        """What a GET answered changes nothing when it is sent back, all at once or in part."""
        for partial in (True, False):
            world = self.world(
                instances=2, every_agent=True, drain_delay_seconds=1.0, unreachable_strategy=None
            )
            (before,) = world.state.apps.values()
            shown = {**app_document(before), "tasksRunning": 2, "deployments": [{"id": "x"}]}
            want(world, shown, partial=partial)
            self.assertEqual(world.state.apps[before.id], before)


# --- round trips ---------------------------------------------------------------------

NAMES = st.text("abcz09", min_size=1, max_size=4)
COUNTS = st.integers(0, 1000)
CHECK = st.fixed_dictionaries(
    {},
    optional={
        "protocol": st.sampled_from(["HTTP", "HTTPS", "TCP"]),
        "portIndex": st.just(0),
        "intervalSeconds": COUNTS,
        "maxConsecutiveFailures": COUNTS,
    },
)
DOCUMENT = st.fixed_dictionaries(
    {"id": NAMES.map("/{}".format), "cmd": NAMES},
    optional={
        "user": NAMES,
        "env": st.dictionaries(NAMES, st.text("ab", max_size=3), max_size=3),
        "labels": st.dictionaries(NAMES, st.text("ab", max_size=3), max_size=3),
        "instances": COUNTS | st.just("*"),
        "cpus": st.floats(0.001, 100),
        "mem": st.floats(0, 1e6) | st.integers(0, 1000),
        "constraints": st.lists(
            st.sampled_from(
                [["hostname", "UNIQUE"], ["a", "GROUP_BY", "2"], ["a", "cluster"], ["a", "Is", ""]]
            )
        ),
        "fetch": st.lists(
            st.fixed_dictionaries(
                {"uri": NAMES}, optional={"extract": st.booleans(), "destPath": NAMES}
            ),
            max_size=2,
        ),
        "portDefinitions": st.lists(
            st.fixed_dictionaries(
                {}, optional={"labels": st.dictionaries(NAMES, NAMES, max_size=2)}
            ),
            min_size=1,
            max_size=3,
        ),
        "requirePorts": st.booleans(),
        "healthChecks": st.lists(CHECK, max_size=2),
        "check": st.just({"exec": {"command": {"shell": "true"}}}),
        "dependencies": st.lists(NAMES.map("other-{}".format), max_size=2),
        "taskKillGracePeriodSeconds": COUNTS,
        "unreachableStrategy": st.just("disabled") | st.just({"expungeAfterSeconds": 9}),
        "upgradeStrategy": st.fixed_dictionaries(
            {"minimumHealthCapacity": st.floats(0, 1), "maximumOverCapacity": st.floats(0, 1)}
        ),
        "killSelection": st.sampled_from(["YOUNGEST_FIRST", "OLDEST_FIRST"]),
        "drainDelaySeconds": st.floats(0, 100),
    },
)


class RoundTripTests(SynchronousTestCase):
    """What is shown is what was read."""

    @settings(max_examples=200, deadline=None)
    @given(DOCUMENT)
    def test_emitted_and_read_again(self, document: dict[str, Any]) -> None:
        """An app that is shown with our keys, and created from that, is the same app."""
        spec = want(World(), document)
        shown = spec_document(spec, extensions=True)
        again = want(World(), shown)
        self.assertEqual(_comparable(again), _comparable(spec))

    def test_group_sent_back(self) -> None:
        """A group's document with its apps as they are shown leaves every app as it is."""
        world = World()
        for name in ("a", "b"):
            ask_apps(world, {"id": f"/g/{name}", "cmd": name, "instances": 2})
        before = dict(world.state.apps)
        ask_group(
            world,
            "/g",
            {
                "id": "/g",
                "version": "2026-01-01T00:00:00.000Z",
                "apps": [app_document(each) for each in before.values()],
                "groups": [],
                "pods": [],
                "dependencies": [],
            },
        )
        self.assertEqual(world.state.apps, before)


def _comparable(spec: AppSpec) -> AppSpec:
    """``"*"`` says no number, so that the one last shown is not compared."""
    return replace(spec, instances=1) if spec.every_agent else spec
