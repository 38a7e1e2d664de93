"""Numbers of jobs are what their runs and standings say."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.flags import DURATIONS_MAX
from mesostw.core.chronos.records import RunState, Standing
from mesostw.core.chronos.statistics import (
    DURATION_MAX_MS,
    LastResult,
    Percentiles,
    durations_of,
    last_result,
    lateness_s,
    percentiles,
    state_text,
    status_word,
    took_s,
    with_duration,
)
from mesostw.model.jobs import JobName
from tests.core.chronos.builders import WALL, run


class DurationTests(SynchronousTestCase):
    """How long successes took."""

    def test_kept(self) -> None:
        """Durations are read as they were kept; the oldest give way, and ends are cut off."""
        packed = b""
        for number in range(DURATIONS_MAX + 2):
            packed = with_duration(packed, number + 0.4)
        packed = with_duration(with_duration(packed, -5), 2**40)
        found = durations_of(Standing(JobName("a"), durations=packed))
        self.assertEqual(len(found), DURATIONS_MAX)
        self.assertEqual((found[0], found[-2], found[-1]), (4, 0, DURATION_MAX_MS))

    def test_percentiles(self) -> None:
        """They lie between two samples in proportion, and at the ends at an end."""
        self.assertEqual(percentiles(()), Percentiles())
        self.assertEqual(percentiles((7,)), Percentiles(1, 7, 7, 7, 7, 7))
        found = percentiles(range(100, 0, -1))
        self.assertEqual((found.count, found.median, found.p75), (100, 50.5, 75.75))
        self.assertEqual((round(found.p95, 2), round(found.p99, 2)), (95.95, 99.99))


class WordTests(SynchronousTestCase):
    """States in the API's words."""

    def test_last(self) -> None:
        """The later of the last success and the last error is how a job ended last."""
        for success, error, wanted in (
            (None, None, LastResult.FRESH),
            (1.0, None, LastResult.SUCCESS),
            (None, 1.0, LastResult.FAILURE),
            (2.0, 1.0, LastResult.SUCCESS),
            (1.0, 2.0, LastResult.FAILURE),
        ):
            one = Standing(JobName("a"), last_success=success, last_error=error)
            self.assertEqual(last_result(one), wanted)

    def test_state(self) -> None:
        """What runs is counted; what waits is only told while nothing runs."""
        waiting, running = run(1), run(2, state=RunState.RUNNING)
        self.assertEqual(state_text(()), "idle")
        self.assertEqual(state_text((waiting,)), "queued")
        self.assertEqual(state_text((waiting, running)), "1 running")

    def test_status(self) -> None:
        """A run has not failed while it may still succeed."""
        words = {state: status_word(run(1, state=state)) for state in RunState}
        self.assertEqual(words[RunState.AWAITED], "Running")
        self.assertEqual(words[RunState.KILLED], "Fail")
        self.assertEqual(words[RunState.SUCCEEDED], "Success")
        self.assertEqual(words[RunState.WAITING], "Idle")


class TimeTests(SynchronousTestCase):
    """How late a run was, and how long it took."""

    def test_lateness(self) -> None:
        """A run is late from when it might have been launched, and not before it was."""
        one = run(0, state=RunState.RUNNING)
        self.assertIsNone(lateness_s(one))
        self.assertEqual(lateness_s(replace(one, launched_at=WALL + 3)), 3.0)
        put_off = replace(one, launched_at=WALL + 3, not_before=WALL + 2)
        self.assertEqual(lateness_s(put_off), 1.0)

    def test_took(self) -> None:
        """What never began, or has not ended, took no time that is known."""
        one = run(0, state=RunState.SUCCEEDED)
        self.assertIsNone(took_s(one))
        self.assertIsNone(took_s(replace(one, launched_at=WALL)))
        ended = replace(one, launched_at=WALL, started_at=WALL + 1, ended_at=WALL + 5)
        self.assertEqual(took_s(ended), 4.0)
