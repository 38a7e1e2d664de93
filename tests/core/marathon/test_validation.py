"""The API's rules for one app: each is broken once, and told at its place."""

from __future__ import annotations

from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.words import Planned, Unfit
from tests.core.marathon.asking import ask_apps, faults_of
from tests.core.marathon.builders import World, app

SINGLE: Final = {"MARATHON_SINGLE_INSTANCE_APP": "true"}
WEB: Final = [{"port": 0, "name": "web"}]
ONE_COMMAND: Final = "either contain one of 'cmd' or 'args'"
NO_PORT: Final = "must address an element of the ports array"
LATER: Final = "is not supported yet"

#: What is said beside ``id`` and ``cmd``, and for each place a part of what is wrong there.
RULES: list[tuple[dict[str, object], dict[str, str]]] = [
    # What is run.
    ({"cmd": None}, {"/": ONE_COMMAND}),
    ({"args": ["a"]}, {"/": ONE_COMMAND}),
    ({"cmd": "a\0b"}, {"/cmd": "NUL"}),
    ({"cmd": None, "args": ["a", "\0"]}, {"/args(1)": "NUL"}),
    ({"executor": "a//b"}, {"/executor": "must fully match"}),
    ({"env": {"": "a"}}, {"/env": "must not be empty"}),
    ({"env": {"A=B": "a"}}, {"/env": "contain ="}),
    ({"env": {"A": "\0"}}, {"/env/A": "NUL"}),
    # Where.
    ({"role": "dev"}, {"/role": "got dev, expected one of: [*]"}),
    ({"acceptedResourceRoles": []}, {"/acceptedResourceRoles": "must not be empty"}),
    ({"acceptedResourceRoles": ["*", "dev"]}, {"/acceptedResourceRoles": "not dev"}),
    ({"constraints": [["hostname"]]}, {"/constraints(0)": "must be [field, operator]"}),
    ({"constraints": [["a", "IS", "b", "c"]]}, {"/constraints(0)": "must be [field, operator]"}),
    ({"constraints": [["a", "NEAR"]]}, {"/constraints(0)": "Invalid operator: 'NEAR'"}),
    ({"constraints": [["", "UNIQUE"]]}, {"/constraints(0)": "name of a field"}),
    ({"constraints": [["a", "UNIQUE", "1"]]}, {"/constraints(0)": "Value specified but not used"}),
    ({"constraints": [["a", "like"]]}, {"/constraints(0)": "regular expression value must be"}),
    ({"constraints": [["a", "LIKE", "("]]}, {"/constraints(0)": "not a valid regular expression"}),
    ({"constraints": [["a", "UNLIKE", "["]]}, {"/constraints(0)": "not a valid regular"}),
    ({"constraints": [["a", "MAX_PER"]]}, {"/constraints(0)": "positive integer"}),
    ({"constraints": [["a", "MAX_PER", "0"]]}, {"/constraints(0)": "positive integer"}),
    ({"constraints": [["a", "GROUP_BY", "x"]]}, {"/constraints(0)": "positive integer"}),
    ({"constraints": [["a", "IS"]]}, {"/constraints(0)": "left out"}),
    ({"constraints": [["a", "IS", "a b"]]}, {"/constraints(0)": "'a b'"}),
    (
        {"constraints": [["a", "IS", "a"], ["a", "x"], ["b", "MAX_PER", "x"]]},
        {"/constraints(1)": "Invalid operator", "/constraints(2)": "MAX_PER: Value must be"},
    ),
    # Ports and networks.
    ({"ports": [0], "portDefinitions": WEB}, {"/ports": "together with portDefinitions"}),
    ({"uris": ["a"], "fetch": [{"uri": "a"}]}, {"/uris": "together with fetch"}),
    (
        {"portDefinitions": [{"port": 80}, {"port": 80}]},
        {"/portDefinitions": "Ports must be unique"},
    ),
    (
        {"portDefinitions": [{"name": "a"}, {"name": "a"}]},
        {"/portDefinitions": "Port names must be unique."},
    ),
    ({"networks": [{"mode": "container", "name": "a"}]}, {"/networks(0)/mode": LATER}),
    ({"networks": [{"mode": "container/bridge"}]}, {"/networks(0)/mode": LATER}),
    ({"networks": [{"mode": "host", "name": "a"}]}, {"/networks(0)/name": "must be left out"}),
    ({"networks": [{"mode": "host"}, {"mode": "host"}]}, {"/networks": "only network"}),
    # How many, and how they are replaced.
    ({"labels": SINGLE, "instances": 2}, {"/instances": "at most 1"}),
    ({"labels": SINGLE, "instances": "*"}, {"/instances": "at most 1"}),
    (
        {
            "labels": SINGLE,
            "upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0},
        },
        {"/upgradeStrategy": "must both be 0"},
    ),
    (
        {"unreachableStrategy": {"inactiveAfterSeconds": 2, "expungeAfterSeconds": 1}},
        {"/unreachableStrategy": "inactiveAfterSeconds (2) must not be greater"},
    ),
    # Health checks.
    ({"healthChecks": [{"port": 1, "portIndex": 0}]}, {"/healthChecks(0)": "not both"}),
    ({"healthChecks": [{"portIndex": 1}]}, {"/healthChecks(0)": NO_PORT}),
    ({"portDefinitions": [], "healthChecks": [{}]}, {"/healthChecks(0)": "must have a port"}),
    ({"portDefinitions": [], "healthChecks": [{"portIndex": 0}]}, {"/healthChecks(0)": NO_PORT}),
    (
        {"healthChecks": [{"protocol": "COMMAND"}]},
        {"/healthChecks(0)/command": "must have a value"},
    ),
    (
        {"healthChecks": [{"protocol": "COMMAND", "command": {"value": ""}}]},
        {"/healthChecks(0)/command": "must have a value"},
    ),
    ({"healthChecks": [{"command": {"value": "a"}}]}, {"/healthChecks(0)/command": "is HTTP"}),
    ({"healthChecks": [{"protocol": "TCP", "path": "/a"}]}, {"/healthChecks(0)/path": "is TCP"}),
    (
        {"healthChecks": [{"protocol": "MESOS_HTTP", "ignoreHttp1xx": True}]},
        {"/healthChecks(0)/ignoreHttp1xx": "is MESOS_HTTP"},
    ),
    ({"healthChecks": [{"ipProtocol": "IPv6"}]}, {"/healthChecks(0)/ipProtocol": LATER}),
    (
        {"healthChecks": [{"protocol": "MESOS_TCP"}, {"protocol": "MESOS_HTTP"}]},
        {"/": "at most one Mesos health check"},
    ),
    # Readiness.
    (
        {"portDefinitions": WEB, "readinessChecks": [{"portName": "web"}, {"portName": "web"}]},
        {"/readinessChecks": "at most one"},
    ),
    ({"readinessChecks": [{}]}, {"/readinessChecks(0)/portName": "portName: http-api"}),
    (
        {
            "portDefinitions": WEB,
            "readinessChecks": [{"portName": "web", "timeoutSeconds": 5, "intervalSeconds": 5}],
        },
        {"/readinessChecks(0)/timeoutSeconds": "less than intervalSeconds (5)"},
    ),
    (
        {
            "portDefinitions": WEB,
            "readinessChecks": [{"portName": "web", "httpStatusCodesForReady": []}],
        },
        {"/readinessChecks(0)/httpStatusCodesForReady": "must not be empty"},
    ),
    # General checks.
    ({"check": {}}, {"/check": "exactly one"}),
    ({"check": {"http": {}, "tcp": {}}}, {"/check": "exactly one"}),
    ({"check": {"http": {"portIndex": 3}}}, {"/check/http": NO_PORT}),
    ({"check": {"tcp": {"port": 1, "portIndex": 0}}}, {"/check/tcp": "not both"}),
    ({"check": {"exec": {"command": {}}}}, {"/check/exec/command": "one of shell and argv"}),
    (
        {"check": {"exec": {"command": {"shell": "a", "argv": ["b"]}}}},
        {"/check/exec/command": "one of shell and argv"},
    ),
    # Ids.
    ({"dependencies": ["../../a"]}, {"/dependencies(0)": "above the root"}),
    ({"dependencies": ["b", "A"]}, {"/dependencies(1)": "must fully match"}),
    # Not there yet.
    ({"container": {"type": "DOCKER"}}, {"/container/type": LATER}),
    ({"container": {"docker": {"image": "a"}}}, {"/container/docker": LATER}),
    ({"container": {"volumes": [{"containerPath": "a"}]}}, {"/container/volumes": LATER}),
    ({"container": {"portMappings": [{}]}}, {"/container/portMappings": LATER}),
    ({"container": {"linuxInfo": {"seccomp": {}}}}, {"/container/linuxInfo": LATER}),
    ({"ipAddress": {}}, {"/ipAddress": LATER}),
    ({"secrets": {"a": {"source": "b"}}}, {"/secrets": LATER}),
    ({"env": {"A": {"secret": "a"}}}, {"/env/A": LATER}),
    ({"resourceLimits": {"mem": "unlimited"}}, {"/resourceLimits": LATER}),
    ({"executorResources": {"cpus": 1}}, {"/executorResources": LATER}),
    ({"tty": True}, {"/tty": LATER}),
    # Several at once.
    (
        {"cmd": None, "tty": True, "role": "dev", "constraints": [["a", "IS"]]},
        {"/": ONE_COMMAND, "/tty": LATER, "/role": "got dev", "/constraints(0)": "IS: "},
    ),
]

#: What looks much the same and is right.
RIGHT: list[dict[str, object]] = [
    {},
    {"cmd": None, "args": ["a"]},
    {"args": []},
    {"executor": "//cmd"},
    {"executor": "/usr/bin/executor"},
    {"constraints": [["hostname", "unique"], ["rack", "Group_By"], ["rack", "group_by", "3"]]},
    {"constraints": [["rack", "CLUSTER"], ["rack", "CLUSTER", "a"], ["a", "LIKE", "b|c"]]},
    {"constraints": [["rack", "IS", ""], ["@zone", "MAX_PER", "2"]]},
    {"portDefinitions": [{"port": 0}, {"port": 0}]},
    {"ports": [], "portDefinitions": WEB},
    {"uris": [], "fetch": [{"uri": "a"}]},
    {"networks": []},
    {"labels": SINGLE},
    {"labels": {"MARATHON_SINGLE_INSTANCE_APP": "false"}, "instances": 3},
    {"unreachableStrategy": "disabled"},
    {"healthChecks": [{"port": 8080}, {"protocol": "TCP"}, {"protocol": "MESOS_TCP"}]},
    {"healthChecks": [{"protocol": "TCP", "path": "", "ignoreHttp1xx": False}]},
    {
        "portDefinitions": [],
        "healthChecks": [{"protocol": "COMMAND", "command": {"value": "true"}}],
    },
    {"portDefinitions": WEB, "readinessChecks": [{"portName": "web"}]},
    {"check": {"exec": {"command": {"argv": ["true"]}}}},
    {"container": {"type": "MESOS"}},
    {"container": {"volumes": [], "portMappings": []}},
    {"container": {}},
    {"container": {"linuxInfo": {}}, "executorResources": {}},
    {"residency": {"taskLostBehavior": "WAIT_FOREVER"}},
    {"secrets": {}, "resourceLimits": {}, "tty": False},
    {"acceptedResourceRoles": ["*"]},
    {"gpus": 2},
]


class RuleTests(SynchronousTestCase):
    """A rule that is broken is told; nothing else is."""

    def test_broken(self) -> None:
        """Each rule is told at its path, with what to do, and the app is not there."""
        for fields, expected in RULES:
            world = World()
            answer = ask_apps(world, {"id": "/a", "cmd": "true", **fields})
            found = faults_of(answer)
            self.assertEqual(found.keys(), expected.keys(), fields)
            for path, part in expected.items():
                self.assertIn(part, " ".join(found[path]), fields)
            assert isinstance(answer, Unfit)
            self.assertEqual((answer.reason, answer.message), ("invalid", "Object is not valid"))
            self.assertEqual((world.state.apps, world.changes), ({}, []))

    def test_kept(self) -> None:
        """What only looks like a broken rule is an app."""
        for fields in RIGHT:
            answer = ask_apps(World(), {"id": "/a", "cmd": "true", **fields})
            self.assertIsInstance(answer, Planned, fields)

    def test_one_of_several(self) -> None:
        """A rule that one of several apps breaks says which one, and none of them is there."""
        world = World()
        answer = ask_apps(world, {"id": "/a", "cmd": "a"}, {"id": "/b"}, {"id": "B", "tty": True})
        self.assertEqual(list(faults_of(answer)), ["/(2)/id", "/(1)", "/(2)/tty", "/(2)"])
        self.assertEqual(world.state.apps, {})

    def test_max_apps(self) -> None:
        """A limit on the number of apps holds for new ones, not for those that are there."""
        world = World(MarathonFlags(max_apps=2))
        world.add(app("/a", accepted_resource_roles=("*",)))
        self.assertIsInstance(ask_apps(world, {"id": "/b", "cmd": "a"}), Planned)
        answer = ask_apps(world, {"id": "/c", "cmd": "a"})
        assert isinstance(answer, Unfit)
        self.assertIn("may only handle up to 2 Apps! (2 currently)", answer.message)
        world.add(app("/d"))
        self.assertIsInstance(ask_apps(world, {"id": "/a", "instances": 2}), Planned)
