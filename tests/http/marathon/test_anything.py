"""Whatever a client sends, it is answered, in JSON, and nothing breaks."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.http.marathon.living import LivingWorld

METHODS = st.sampled_from(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
WORDS = st.sampled_from(
    (
        *("v2", "apps", "groups", "tasks", "deployments", "queue", "pods", "plugins", "info"),
        *("why", "versions", "restart", "delete", "delay", "pause", "*", "a", "g", "..", "."),
        *("", "%2F", "%FF", "%C3%A4", "A B", "logging", "metrics", "2026-01-01", "::status"),
        *("terminations", "leader", "x" * 300),
    )
)
HEADS = st.sampled_from(("/v2/apps", "/v2/groups", "/v2/tasks", "/v2/queue", "/why", "", "/v2"))
QUERIES = st.sampled_from(
    (
        *("", "force=true", "force", "embed=apps.tasks", "embed=group.apps", "label=a%3D%3Db"),
        *("label=%00", "scale=true", "wipe=true&scale=true", "deadlineSeconds=x", "dryRun=true"),
        *("partialUpdate=false", "extensions=true", "status=running", "host=%FF", "=&&==", "%"),
        *("embed=taskStats", "cmd=a&id=b", "deadlineSeconds=1e400", "plan-format=heavy"),
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("id", "apps", "groups", "cmd", "instances", "version", "scaleBy", "ids")
            )
            | st.sampled_from(
                ("logger", "level", "constraints", "env", "dependencies", "enforceRole")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
BODIES = st.binary(max_size=20) | VALUES.map(msgspec.json.encode)


class AnythingTests(SynchronousTestCase):
    """Requests that no client means."""

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        st.lists(
            st.tuples(METHODS, HEADS, st.lists(WORDS, max_size=4), QUERIES, BODIES),
            min_size=1,
            max_size=8,
        )
    )
    def test_anything(self, requests: list[tuple[str, str, list[str], str, bytes]]) -> None:
        """No request is a bug of ours, and an error says what it is about."""
        world = LivingWorld()
        world.ask("POST", "/v2/groups", {"id": "g", "apps": [{"id": "b", "cmd": "x"}]})
        world.ask("POST", "/v2/apps", {"id": "a", "cmd": "x", "instances": 2})
        world.settle(5)
        for method, head, words, query, body in requests:
            path = "/".join((head, *words)).replace(" ", "%20") or "/"
            answer = world.ask(method, f"{path}?{query}", body)
            self.assertNotEqual(answer.code, 500, (method, path, query, body))
            if answer.code >= 400 and method != "HEAD":
                self.assertIsInstance(answer.json["message"], str)
            world.settle(1)
        self.assertEqual(world.failures, [])
        self.assertEqual(world.get("/v2/apps").code, 200)
