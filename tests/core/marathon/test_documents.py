"""Documents: every fault of a shape is told, at its path, by the API's key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.faults import Faults
from mesostw.core.framework.reading import DEPTH_MAX
from mesostw.core.marathon.documents import app_draft, group_draft
from mesostw.core.marathon.words import Planned, Unfit
from tests.core.marathon.asking import ask_apps, ask_group
from tests.core.marathon.builders import World

MISSING = "error.path.missing"
STRING = "error.expected.jsstring"
NUMBER = "error.expected.jsnumber"
ARRAY = "error.expected.jsarray"
OBJECT = "error.expected.jsobject"
BOOLEAN = "error.expected.jsboolean"
MIN = "error.min"
MAX = "error.max"
MIN_LENGTH = "error.minLength"
MAX_LENGTH = "error.maxLength"
PATTERN = "error.pattern"
WORD = "error.unknown.enum.literal"
TOO_DEEP = {"/": f"must not be nested deeper than {DEPTH_MAX}"}

#: A document of an app, and each fault of its shape.
SHAPES: list[tuple[object, dict[str, str]]] = [
    ([], {"/": OBJECT}),
    ("app", {"/": OBJECT}),
    ({"id": 7}, {"/id": STRING}),
    ({"id": ""}, {"/id": MIN_LENGTH}),
    ({"cmd": ["a"]}, {"/cmd": STRING}),
    ({"cmd": ""}, {"/cmd": MIN_LENGTH}),
    ({"args": "a b"}, {"/args": ARRAY}),
    ({"args": ["a", 1]}, {"/args(1)": STRING}),
    ({"user": 0}, {"/user": STRING}),
    ({"env": []}, {"/env": OBJECT}),
    ({"env": {"A": 1}}, {"/env/A": STRING}),
    ({"env": {"A": {}}}, {"/env/A/secret": MISSING}),
    ({"labels": {"a": True}}, {"/labels/a": STRING}),
    ({"instances": "x"}, {"/instances": NUMBER}),
    ({"instances": True}, {"/instances": NUMBER}),
    ({"instances": 1.5}, {"/instances": "error.expected.int"}),
    ({"instances": -1}, {"/instances": MIN}),
    ({"instances": 2**31}, {"/instances": MAX}),
    ({"instances": 10**400}, {"/instances": MAX}),
    ({"cpus": 0.0009}, {"/cpus": MIN}),
    ({"cpus": "1"}, {"/cpus": NUMBER}),
    ({"mem": -1}, {"/mem": MIN}),
    ({"disk": -0.1}, {"/disk": MIN}),
    ({"gpus": -1}, {"/gpus": MIN}),
    ({"executor": 1}, {"/executor": STRING}),
    ({"constraints": [["a", 1]]}, {"/constraints(0)(1)": STRING}),
    ({"constraints": ["a"]}, {"/constraints(0)": ARRAY}),
    ({"fetch": [{}]}, {"/fetch(0)/uri": MISSING}),
    ({"fetch": [{"uri": ""}]}, {"/fetch(0)/uri": MIN_LENGTH}),
    ({"fetch": [{"uri": "u" * 1025}]}, {"/fetch(0)/uri": MAX_LENGTH}),
    ({"fetch": [{"uri": "u", "destPath": ""}]}, {"/fetch(0)/destPath": MIN_LENGTH}),
    ({"fetch": [{"uri": "u", "cache": 1}]}, {"/fetch(0)/cache": BOOLEAN}),
    ({"uris": ["u", ""]}, {"/uris(1)": MIN_LENGTH}),
    ({"ports": [65_536]}, {"/ports(0)": MAX}),
    ({"portDefinitions": {}}, {"/portDefinitions": ARRAY}),
    ({"portDefinitions": [{"port": -1}]}, {"/portDefinitions(0)/port": MIN}),
    ({"portDefinitions": [{"name": "A_b"}]}, {"/portDefinitions(0)/name": PATTERN}),
    ({"portDefinitions": [{"protocol": "sctp"}]}, {"/portDefinitions(0)/protocol": WORD}),
    ({"requirePorts": "yes"}, {"/requirePorts": BOOLEAN}),
    ({"networks": [{"mode": "bridge"}]}, {"/networks(0)/mode": WORD}),
    ({"networks": [{"name": "n" * 64}]}, {"/networks(0)/name": MAX_LENGTH}),
    ({"backoffSeconds": -1}, {"/backoffSeconds": MIN}),
    ({"backoffFactor": 0.9}, {"/backoffFactor": MIN}),
    ({"maxLaunchDelaySeconds": -1}, {"/maxLaunchDelaySeconds": MIN}),
    ({"healthChecks": [{"protocol": "UDP"}]}, {"/healthChecks(0)/protocol": WORD}),
    ({"healthChecks": [{"protocol": 1}]}, {"/healthChecks(0)/protocol": STRING}),
    ({"healthChecks": [{"portIndex": 70_000}]}, {"/healthChecks(0)/portIndex": MAX}),
    ({"healthChecks": [{"command": {}}]}, {"/healthChecks(0)/command/value": MISSING}),
    ({"healthChecks": [{"gracePeriodSeconds": -1}]}, {"/healthChecks(0)/gracePeriodSeconds": MIN}),
    ({"healthChecks": [{"ipProtocol": "IPv5"}]}, {"/healthChecks(0)/ipProtocol": WORD}),
    ({"readinessChecks": [{"timeoutSeconds": 0}]}, {"/readinessChecks(0)/timeoutSeconds": MIN}),
    ({"readinessChecks": [{"portName": "-a"}]}, {"/readinessChecks(0)/portName": PATTERN}),
    ({"readinessChecks": [{"path": ""}]}, {"/readinessChecks(0)/path": MIN_LENGTH}),
    (
        {"readinessChecks": [{"httpStatusCodesForReady": [99, 200, 1000]}]},
        {
            "/readinessChecks(0)/httpStatusCodesForReady(0)": MIN,
            "/readinessChecks(0)/httpStatusCodesForReady(2)": MAX,
        },
    ),
    ({"check": {"exec": {}}}, {"/check/exec/command": MISSING}),
    ({"check": {"http": {"scheme": "FTP"}}}, {"/check/http/scheme": WORD}),
    ({"dependencies": [1]}, {"/dependencies(0)": STRING}),
    (
        {"upgradeStrategy": {}},
        {
            "/upgradeStrategy/minimumHealthCapacity": MISSING,
            "/upgradeStrategy/maximumOverCapacity": MISSING,
        },
    ),
    (
        {"upgradeStrategy": {"minimumHealthCapacity": 1.1, "maximumOverCapacity": -0.1}},
        {
            "/upgradeStrategy/minimumHealthCapacity": MAX,
            "/upgradeStrategy/maximumOverCapacity": MIN,
        },
    ),
    ({"acceptedResourceRoles": "*"}, {"/acceptedResourceRoles": ARRAY}),
    ({"taskKillGracePeriodSeconds": -1}, {"/taskKillGracePeriodSeconds": MIN}),
    ({"unreachableStrategy": "off"}, {"/unreachableStrategy": OBJECT}),
    (
        {"unreachableStrategy": {"inactiveAfterSeconds": "1"}},
        {"/unreachableStrategy/inactiveAfterSeconds": NUMBER},
    ),
    ({"killSelection": "RANDOM"}, {"/killSelection": WORD}),
    ({"role": ""}, {"/role": MIN_LENGTH}),
    ({"drainDelaySeconds": -1}, {"/drainDelaySeconds": MIN}),
    ({"container": {"type": "LXC"}}, {"/container/type": WORD}),
    ({"tty": 1}, {"/tty": BOOLEAN}),
    (
        {"cmd": 1, "cpus": 0, "portDefinitions": [{"port": 1}, {"port": "x", "name": ""}]},
        {
            "/cmd": STRING,
            "/cpus": MIN,
            "/portDefinitions(1)/port": NUMBER,
            "/portDefinitions(1)/name": MIN_LENGTH,
        },
    ),
]

#: The same of a group.
GROUP_SHAPES: list[tuple[object, dict[str, str]]] = [
    (1, {"/": OBJECT}),
    ({"apps": {}}, {"/apps": ARRAY}),
    ({"apps": [{"cmd": 1}, {}, []]}, {"/apps(0)/cmd": STRING, "/apps(2)": OBJECT}),
    (
        {"groups": [{"groups": [{"apps": [{"cpus": 0}]}]}]},
        {"/groups(0)/groups(0)/apps(0)/cpus": MIN},
    ),
    ({"dependencies": "a"}, {"/dependencies": ARRAY}),
    ({"scaleBy": -1}, {"/scaleBy": MIN}),
    ({"enforceRole": "true"}, {"/enforceRole": BOOLEAN}),
]


def shape_of(document: object) -> dict[str, str]:
    """The faults of an app's document by path."""
    faults = Faults()
    app_draft(document, faults)
    return told(faults)


def told(faults: Faults) -> dict[str, str]:
    """One key for each path; two would be joined."""
    return {fault.path: "".join(fault.errors) for fault in faults.told()}


class ShapeTests(SynchronousTestCase):
    """What msgspec refuses, the walk explains."""

    def test_apps(self) -> None:
        """Each wrong shape of an app has its keys, and the right parts beside it have none."""
        for document, expected in SHAPES:
            found = shape_of(document)
            # Patterns and lengths may both be broken.
            self.assertEqual(found.keys(), expected.keys(), document)
            for path, key in expected.items():
                self.assertIn(key, found[path], document)

    def test_edges(self) -> None:
        """What is just within its range is no fault of a document that has another one."""
        edges: dict[str, object] = {
            "cmd": "c",
            "instances": 2**31 - 1,
            "cpus": 0.001,
            "mem": 0,
            "gpus": 0,
            "ports": [0, 65_535],
            "backoffFactor": 1,
            "fetch": [{"uri": "u" * 1024, "destPath": "d"}],
            "networks": [{"name": "n" * 63}],
            "readinessChecks": [{"httpStatusCodesForReady": [100, 999], "timeoutSeconds": 1}],
            "upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 1},
            "unreachableStrategy": "disabled",
            "env": {"A": "a", "B": {"secret": "b"}},
        }
        self.assertEqual(shape_of(edges), {})
        self.assertEqual(shape_of({**edges, "user": 1}), {"/user": STRING})
        self.assertEqual(shape_of({"instances": "*", "user": 1}), {"/user": STRING})

    def test_groups(self) -> None:
        """Groups lie within each other, and a path leads to every fault."""
        for document, expected in GROUP_SHAPES:
            faults = Faults()
            self.assertIsNone(group_draft(document, faults))
            self.assertEqual(told(faults), expected, document)

    def test_null_is_absent(self) -> None:
        """A field that is null is as one that is not there."""
        faults = Faults()
        draft = app_draft(
            {"id": "/a", "ports": None, "dependencies": None, "healthChecks": [{"path": None}]},
            faults,
        )
        assert draft is not None
        self.assertEqual(draft.given - {"port_mappings"}, {"id", "health_checks"})
        self.assertIs(draft.ports, UNSET)

    def test_null_that_means_something(self) -> None:
        """The one key of ours that can be turned off is turned off by null."""
        draft = app_draft({"drainDelaySeconds": None}, Faults())
        assert draft is not None
        self.assertEqual(draft.drain_delay_seconds, 0)

    def test_unknown_keys(self) -> None:
        """What nobody knows, and what only answers have, is ignored."""
        self.assertEqual(
            shape_of({"tasksRunning": 3, "deployments": [], "lastTaskFailure": {}, "x": 1}), {}
        )

    def test_whole_numbers(self) -> None:
        """A whole number may be written with a point."""
        draft = app_draft({"instances": 3.0, "cpus": 1}, Faults())
        assert draft is not None
        self.assertEqual((draft.instances, draft.cpus), (3, 1.0))

    def test_depth(self) -> None:
        """What is nested without end is refused, and breaks nothing."""
        for levels in (DEPTH_MAX // 2, DEPTH_MAX // 2 + 1, 5 * DEPTH_MAX):
            document: dict[str, Any] = {}
            for _ in range(levels):
                document = {"groups": [document]}
            faults = Faults()
            group_draft(document, faults)
            self.assertEqual(told(faults), TOO_DEEP if levels > DEPTH_MAX // 2 else {}, levels)

    def test_many_documents(self) -> None:
        """A fault in one of several documents says in which one."""
        answer = ask_apps(World(), {"id": "/a", "cmd": "a"}, {"id": "/b", "cmd": 1})
        assert isinstance(answer, Unfit)
        self.assertEqual((answer.reason, answer.message), ("malformed", "Invalid JSON"))
        self.assertEqual([fault.path for fault in answer.faults], ["/(1)/cmd"])


# --- anything at all ---------------------------------------------------------------

KEYS = sorted(
    {key.strip("/").split("/")[0].split("(")[0] for _, faults in SHAPES for key in faults}
    | {"apps", "groups", "scaleBy", "version", "id", "type", "docker", "secrets", "pods"}
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["*", "/a", "a", "disabled", "HTTP", "UNIQUE", "MESOS", "host", ".."])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


class AnythingTests(SynchronousTestCase):
    """Whatever JSON comes, it is read or refused."""

    @settings(max_examples=300, deadline=None)
    @given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6))
    def test_apps(self, document: Mapping[str, object]) -> None:
        """Any object is an app, or has faults that say where and why."""
        answer = ask_apps(World(), document)
        self.assertTrue(
            isinstance(answer, Planned) or bool(answer.faults),
            json.dumps(document),
        )

    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(["/", "/a", "/a/b"]), ANYTHING)
    def test_groups(self, group_id: str, document: Any) -> None:
        """Any value is a group, or is refused with a reason."""
        answer = ask_group(World(), group_id, document)
        self.assertTrue(isinstance(answer, Planned) or bool(getattr(answer, "message", "")))
