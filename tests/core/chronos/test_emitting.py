"""Jobs as they are shown, and that showing them and posting them back changes nothing."""

from __future__ import annotations

import json
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import timetables
from mesostw.core.chronos.changes import JobChanged, StandingChanged
from mesostw.core.chronos.documents import Judged, judged
from mesostw.core.chronos.emitting import document_of
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Dialect, JobAsked
from mesostw.model.jobs import (
    Concurrency,
    Cron,
    Fetch,
    Instant,
    JobName,
    JobSpec,
    Period,
    Repeating,
)
from tests.core.chronos import strategies
from tests.core.chronos.builders import STAMP, WALL, job, spec

NOW = Instant(int(WALL * 1000))
ALWAYS = [
    "name",
    "command",
    "shell",
    "executor",
    "executorFlags",
    "taskInfoData",
    "retries",
    "owner",
    "ownerName",
    "description",
    "successCount",
    "errorCount",
    "lastSuccess",
    "lastError",
    "cpus",
    "disk",
    "mem",
    "disabled",
    "softError",
    "dataProcessingJobType",
    "errorsSinceLastSuccess",
    "fetch",
    "uris",
    "environmentVariables",
    "arguments",
    "highPriority",
    "runAsUser",
    "concurrent",
    "constraints",
    "maxCompletionTime",
]


def passed_by(one: JobSpec, passed: int) -> Standing:
    """A job of which so many instants are behind, or all."""
    t = one.timetable
    due = None if t is None else timetables.first(t)
    index = 0
    while t is not None and due is not None and index < passed:
        due, index = timetables.after(t, index, due), index + 1
    return Standing(one.name, due, index)


class RoundTripTests(SynchronousTestCase):
    """A job that is shown and posted again is what it was."""

    @settings(max_examples=150, deadline=None)
    @given(strategies.job_specs, st.integers(0, 5), st.sampled_from(Dialect), st.booleans())
    def test_posted_again(self, one: JobSpec, passed: int, dialect: Dialect, mirrors: bool) -> None:
        """Under every prefix, at any position of its timetable, as one or out of a list."""
        kept = Job(one, STAMP, STAMP)
        standing = passed_by(one, passed)
        state = ChronosState()
        for change in (JobChanged(job("parent")), JobChanged(kept), StandingChanged(standing)):
            state.apply(change)
        shown = document_of(kept, standing, dialect, mirrors=mirrors)
        again = json.loads(json.dumps(shown))
        flags = ChronosFlags(task_epsilon_s=30.0, mesos_task_cpu=7.0, user="nobody")
        for patches in (None, one.name):
            asked = JobAsked(document=again, dialect=dialect, patches=patches)
            found = judged(asked, kept, state, flags, Instant(NOW + 5))
            self.assertEqual(found, Judged(one, (), None, True))

    @settings(max_examples=50, deadline=None)
    @given(strategies.job_specs)
    def test_copied(self, one: JobSpec) -> None:
        """Posted where nobody knows it, a job of ours is the same, but for a cron's beginning."""
        kept = Job(one, STAMP, STAMP)
        state = ChronosState()
        state.apply(JobChanged(job("parent")))
        shown = document_of(kept, passed_by(one, 2), Dialect.OWN)
        found = judged(JobAsked(document=shown), None, state, ChronosFlags(), NOW)
        assert isinstance(found, Judged)
        if isinstance(one.timetable, Cron):
            one = replace(one, timetable=replace(one.timetable, since=NOW))
        if isinstance(one.timetable, Repeating):
            # Its first instant may be shown by a clock that was changed just before.
            assert isinstance(found.spec.timetable, Repeating)
            first = timetables.first(found.spec.timetable)
            self.assertEqual(first, timetables.first(one.timetable))
            one = replace(one, timetable=found.spec.timetable)
        self.assertEqual(found.spec, one)

    def test_old_text(self) -> None:
        """A schedule that was shown some runs ago is still this one, and its month ends stay."""
        t = Repeating(datetime.fromisoformat("2026-01-31"), Period(months=1), zone="Europe/Berlin")
        one = replace(spec("a"), timetable=t, schedule_time_zone="Europe/Berlin")
        shown = document_of(Job(one, STAMP, STAMP), passed_by(one, 1), Dialect.V3)
        self.assertEqual(shown["schedule"], "R/2026-02-28T00:00:00.000+01:00/P1M")
        state = ChronosState()
        state.apply(StandingChanged(passed_by(one, 3)))
        found = judged(
            JobAsked(document=shown, dialect=Dialect.V3),
            Job(one, STAMP, STAMP),
            state,
            ChronosFlags(),
            NOW,
        )
        assert isinstance(found, Judged)
        self.assertEqual((found.spec.timetable, found.is_same_timetable), (t, True))


class ShapeTests(SynchronousTestCase):
    """What clients of each version find."""

    def test_fields(self) -> None:
        """Both old versions have all fields of theirs, and none of ours."""
        for dialect, more in ((Dialect.V3, []), (Dialect.V2, ["async", "epsilon"])):
            shown = document_of(job("a"), Standing(JobName("a")), dialect)
            times = ["schedule", "scheduleTimeZone"]
            self.assertEqual(sorted(shown), sorted([*ALWAYS, *more, *times]))
            dependent = document_of(job("b", "a"), Standing(JobName("b")), dialect)
            self.assertEqual(sorted(dependent), sorted([*ALWAYS, *more, "parents"]))

    def test_values(self) -> None:
        """Amounts are floats, times have milliseconds and Z, nothing is the empty text."""
        one = replace(spec("a"), cpus=1, mem=64, disk=1, concurrency=Concurrency.ALLOW)
        standing = Standing(
            one.name, passed=3, due=Instant(NOW + 1), success_count=2, last_success=WALL + 0.5
        )
        shown = document_of(Job(one, STAMP, STAMP), standing, Dialect.V2)
        self.assertEqual(json.dumps([shown["cpus"], shown["mem"]]), "[1.0, 64.0]")
        self.assertEqual(shown["lastSuccess"], "2026-01-01T00:00:00.500Z")
        self.assertEqual((shown["lastError"], shown["scheduleTimeZone"]), ("", ""))
        self.assertEqual((shown["epsilon"], shown["concurrent"]), ("PT60S", True))
        self.assertEqual(shown["schedule"], "R/2026-01-01T00:00:00.001Z/P1D")

    def test_mirrored(self) -> None:
        """Lists show files in both forms; a job by itself in its own."""
        one = replace(spec("a"), uris=("http://x/y",))
        shown = document_of(Job(one, STAMP, STAMP), Standing(one.name), Dialect.V3)
        self.assertEqual((shown["uris"], shown["fetch"]), (["http://x/y"], []))
        listed = document_of(Job(one, STAMP, STAMP), Standing(one.name), Dialect.V3, mirrors=True)
        self.assertEqual(
            listed["fetch"],
            [{"uri": "http://x/y", "executable": False, "cache": False, "extract": True}],
        )
        other = replace(spec("a"), fetch=(Fetch(uri="http://x/y", output_file="z"),))
        listed = document_of(Job(other, STAMP, STAMP), Standing(one.name), Dialect.V3, mirrors=True)
        self.assertEqual(listed["uris"], ["http://x/y"])

    def test_cron(self) -> None:
        """A cron is beside an empty schedule for old clients, and alone for ours."""
        one = replace(spec("a"), timetable=Cron(("0 7 * * 1-5",), NOW))
        kept, standing = Job(one, STAMP, STAMP), Standing(one.name)
        old = document_of(kept, standing, Dialect.V3)
        self.assertEqual((old["schedule"], old["cron"]), ("", "0 7 * * 1-5"))
        self.assertNotIn("schedule", document_of(kept, standing, Dialect.OWN))

    def test_own(self) -> None:
        """Ours shows the whole schedule, and deadline and overlap in our words."""
        one = replace(spec("a"), starting_deadline_seconds=5.0)
        shown = document_of(Job(one, STAMP, STAMP), passed_by(one, 3), Dialect.OWN)
        self.assertEqual(shown["schedule"], "R/2026-01-01T00:00:00.000Z/P1D")
        self.assertEqual((shown["startingDeadlineSeconds"], shown["concurrency"]), (5.0, "queue"))
        self.assertNotIn("concurrent", shown)
        self.assertNotIn("epsilon", shown)
