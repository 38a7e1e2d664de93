"""Whatever a client sends to Chronos, it is answered, in JSON, and nothing breaks."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.http.chronos.living import LivingWorld

METHODS = st.sampled_from(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
HEADS = st.sampled_from(
    (
        *(f"{prefix}/{noun}" for prefix in ("/scheduler", "/v1/scheduler") for noun in (
            *("jobs", "job", "job/stat", "job/success", "iso8601", "dependency", "stats"),
            *("task", "task/kill", "graph", "leader"),
        )),
        *(f"/v1/chronos/{noun}" for noun in (
            *("jobs", "runs", "validate", "backfill", "pause", "queue", "why", "graph", "info"),
        )),
        *("", "/v1", "/logging", "/metrics", "/config"),
    )
)  # fmt: skip
WORDS = st.sampled_from(
    (
        *("a", "b", "k", "A%20B", "%23", "search", "summary", "dot", "csv", "all", "kill", "task"),
        *("progress", "next", "versions", "runs", "enabled", "rerun", "median", "", "..", "%2F"),
        *("%FF", "x" * 300, "ct:1:0:a:r.1", "2026-01-01T00:00:00.000Z"),
    )
)
QUERIES = st.sampled_from(
    (
        *("", "limit=1", "limit=x", "limit=-1", "offset=99999999999", "n=100", "n=0", "any=%00"),
        *("name=a&command=%FF", "state=idle", "state=running,waiting", "since=2026-01-01", "&==%"),
        *("since=2026-01-01T00:00:00%2B14:00", "since=9", "label==", "label=a=b", "after=a"),
        *("dialect=v2", "dialect=", "arguments=-v", "arguments=%20", "job=a", "q=a"),
    )
)
NAMES = st.sampled_from(
    (
        *("name", "command", "schedule", "scheduleTimeZone", "parents", "cron", "cpus", "retries"),
        *("epsilon", "concurrent", "concurrency", "catchUp", "constraints", "environmentVariables"),
        *("uris", "fetch", "arguments", "hooks", "labels", "disabled", "statusCode", "environment"),
        *("numAdditionalElementsProcessed", "enabled", "paused", "why", "job", "start", "end"),
        *("again", "dryRun", "logger", "level", "excludeDates", "historyLimit", "lastSuccess"),
    )
)
TEXTS = st.sampled_from(
    (
        *("a", "b", "R/2026-09-22T00:00:00Z/P1D", "R3//PT1S", "R/9999-12-31T23:59:59Z/P1Y", "R"),
        *("R-1/2026/P1D", "R/2026-01-31/P1M", "UTC", "PST", "*/5 * * * *", "@daily", "PT60S"),
        *("2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "skip", "all", "v3", "\ud7ff"),
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | TEXTS
    | st.text(max_size=8)
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=8,
)
BODIES = st.binary(max_size=20) | VALUES.map(msgspec.json.encode)
TYPES = st.sampled_from(("application/json", "application/json; charset=utf-8", "text/plain", ""))


class AnythingTests(SynchronousTestCase):
    """Requests that no client means."""

    @settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        st.lists(
            st.tuples(METHODS, HEADS, st.lists(WORDS, max_size=4), QUERIES, BODIES, TYPES),
            min_size=1,
            max_size=10,
        )
    )
    def test_anything(self, requests: list[tuple[str, str, list[str], str, bytes, str]]) -> None:
        """No request is a bug of ours, and an error says what it is about."""
        world = LivingWorld()
        job = {"name": "a", "command": "x", "schedule": "R/2026-09-01T00:00:00Z/PT1H"}
        world.ask("POST", "/scheduler/iso8601", job)
        world.ask("POST", "/scheduler/dependency", {"name": "b", "command": "x", "parents": ["a"]})
        world.settle(2)
        for method, head, words, query, body, kind in requests:
            path = "/".join((head, *words)) or "/"
            answer = world.ask(method, f"{path}?{query}", body, {"content-type": kind})
            self.assertNotEqual(answer.code, 500, (method, path, query, body))
            if answer.code >= 400 and method != "HEAD":
                self.assertTrue(answer.json["message"], (method, path, query, body))
                self.assertTrue(answer.json["status"])
            world.settle(1)
        self.assertEqual(world.failures, [])
        self.assertEqual(world.get("/v1/scheduler/jobs").code, 200)
