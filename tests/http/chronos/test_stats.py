"""How long jobs take, as the old prefixes and ``/metrics`` tell it."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import Run, RunState
from mesostw.core.chronos.statistics import with_duration
from mesostw.http.chronos.old_stats import duration_text
from mesostw.model.ids import AgentId
from tests.core.chronos.builders import WALL as BEGAN
from tests.http.chronos.world import WALL, ChronosWorld, job, run, standing

BOTH = ("/scheduler", "/v1/scheduler")


def ended(number: int, state: RunState = RunState.SUCCEEDED) -> Run:
    """The ``number``-th run, which took so many seconds and a day."""
    at = BEGAN + number
    return replace(
        run(number, state=state),
        agent_id=AgentId("S1"),
        launched_at=at,
        started_at=at + 1,
        ended_at=at + 1 + 86_400 + number,
    )


class StatsTests(SynchronousTestCase):
    """One job that took 1 to 3 seconds, one that never ran."""

    def setUp(self) -> None:
        self.world = ChronosWorld(flags=ChronosFlags(job_history_limit=2))
        packed = b""
        for milliseconds in (1_000, 2_000, 3_000):
            packed = with_duration(packed, milliseconds)
        self.world.add(job("b"), job("a"), standing("a", durations=packed))

    def test_histogram(self) -> None:
        """Percentiles of one job are milliseconds, and its mean is its median."""
        for prefix in BOTH:
            got = self.world.get(f"{prefix}/job/stat/a").json
            self.assertEqual(
                got["histogram"],
                {
                    "99thPercentile": 3000.0,
                    "98thPercentile": 3000.0,
                    "95thPercentile": 3000.0,
                    "75thPercentile": 3000.0,
                    "median": 2000.0,
                    "mean": 2000.0,
                    "count": 3,
                },
            )

    def test_history(self) -> None:
        """The newest runs come first, as many as the operator has shown; skipped ones do not."""
        skipped = replace(run(9, state=RunState.SKIPPED), task_id=None)
        self.world.add(ended(1), ended(2, RunState.FAILED), run(3, state=RunState.RUNNING), skipped)
        first, second = self.world.get(f"{BOTH[1]}/job/stat/a").json["taskStatHistory"]
        self.assertEqual(
            first,
            {
                "taskId": run(3, state=RunState.RUNNING).task_id,
                "jobName": "a",
                "slaveId": "",
                "startTime": "N/A",
                "endTime": "N/A",
                "status": "Running",
            },
        )
        self.assertEqual(
            second,
            {
                "taskId": ended(2).task_id,
                "jobName": "a",
                "slaveId": "S1",
                "startTime": "01/01/26 00:00:03",
                "endTime": "01/02/26 00:00:05",
                "duration": "1d2s",
                "status": "Fail",
            },
        )

    def test_elements(self) -> None:
        """Only jobs that process data tell how much."""
        known = job("a")
        spec = replace(known.spec, data_processing_job_type=True)
        self.world.add(replace(known, spec=spec), replace(ended(1), elements=7))
        (shown,) = self.world.get(f"{BOTH[0]}/job/stat/a").json["taskStatHistory"]
        self.assertEqual(shown["numElementsProcessed"], 7)

    def test_all(self) -> None:
        """Over all jobs times are seconds, the longest first; an unknown number is of none."""
        for prefix in BOTH:
            for which, time in (("median", 2.0), ("mean", 2.0), ("75thPercentile", 3.0)):
                self.assertEqual(
                    self.world.get(f"{prefix}/stats/{which}").json,
                    [{"jobNameLabel": "a", "time": time}, {"jobNameLabel": "b", "time": 0.0}],
                )
            self.assertEqual(self.world.get(f"{prefix}/stats/nope").json, [])

    def test_durations(self) -> None:
        """Parts that are nothing are left out."""
        for seconds, text in ((93_784, "1d2h3m4s"), (3_600, "1h"), (0.2, "0s"), (61, "1m1s")):
            self.assertEqual(duration_text(seconds), text)


class MetricsTests(SynchronousTestCase):
    """Numbers for machines."""

    def setUp(self) -> None:
        self.world = ChronosWorld(counters=lambda: {"chronos.launches": 3})
        self.world.add(job("a"), job("b"), run(1), replace(ended(2), launched_at=BEGAN + 6))
        self.world.add(standing("a", last_success=WALL - 5, errors_since_last_success=2))

    def test_codahale(self) -> None:
        """All kinds of numbers are there, as Codahale writes them."""
        got = self.world.get("/metrics").json
        self.assertEqual(
            set(got), {"version", "gauges", "counters", "histograms", "meters", "timers"}
        )
        gauges = {name: one["value"] for name, one in got["gauges"].items()}
        self.assertEqual(gauges["chronos.jobs.gauge"], 2)
        self.assertEqual(gauges["chronos.runs.waiting.gauge"], 1)
        self.assertEqual(gauges["chronos.runs.ready.gauge"], 1)
        self.assertEqual(gauges["chronos.lateness.median.gauge.seconds"], 4.0)
        self.assertEqual(got["counters"]["chronos.launches"], {"count": 3})

    def test_prometheus(self) -> None:
        """Each job tells how long ago it succeeded."""
        lines = self.world.get("/metrics/prometheus").text.splitlines()
        self.assertIn('chronos_job_last_success_age_seconds{job="a"} 5', lines)
        self.assertIn('chronos_job_errors_since_last_success{job="a"} 2', lines)
        self.assertIn("chronos_launches 3", lines)
