"""A backfill serves what is behind a job and was not served, and nothing twice."""

from __future__ import annotations

import random
from typing import Any

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import backfill
from mesostw.core.chronos.changes import JobChanged, RunChanged, StandingChanged
from mesostw.core.chronos.flags import BACKFILL_MAX, ChronosFlags
from mesostw.core.chronos.live import Live
from mesostw.core.chronos.records import Cause, Job, RunState, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import BackfillAsked, Begun, Planned
from mesostw.core.framework.naming import Names
from mesostw.core.framework.refusing import Unfit
from mesostw.core.outcome import Moment
from mesostw.model.jobs import Instant, JobName, Period, Repeating
from tests.core.chronos.builders import DAILY, WALL, job, run

DAY_MS = 86_400_000
FIRST = Instant(int(WALL * 1000))


def day(number: int) -> Instant:
    """The job's instant with that index."""
    return Instant(FIRST + number * DAY_MS)


LATER = day(100)


class BackfillTests(SynchronousTestCase):
    """A daily job of which ten instants have passed."""

    def setUp(self) -> None:
        self.turn = Turn(
            ChronosFlags(),
            ChronosState(),
            Live(),
            Names(b"12345678"),
            random.Random(1),
            Moment(0.0, WALL + 9.5 * DAY_MS / 1000),
        )
        self.have(job("a"))

    def have(self, one: Job, passed: int = 10) -> None:
        """The job is there, and so many of its instants have passed."""
        self.turn.state.apply(JobChanged(one))
        self.turn.state.apply(StandingChanged(Standing(one.name, day(passed), passed)))

    def ask(self, start: Instant = FIRST, end: Instant = LATER, **others: Any) -> Any:
        question = BackfillAsked(
            **{"name": JobName("a"), "start": start, "end": end, **others},
        )
        return backfill.asked(self.turn, question)

    def test_made(self) -> None:
        """Each instant of the span becomes a run that is for it; the next due one does not."""
        answer = self.ask(day(7))
        assert isinstance(answer, Begun)
        self.assertEqual([one.instant for one in answer.runs], [day(7), day(8), day(9)])
        self.assertEqual({one.cause for one in answer.runs}, {Cause.BACKFILL})
        self.assertEqual(set(self.turn.state.runs), {one.id for one in answer.runs})

    def test_span(self) -> None:
        """The start is of the span, the end is not; nothing before the first instant is."""
        answer = self.ask(Instant(0), day(2), dry_run=True)
        self.assertEqual(answer, Planned((day(0), day(1))))
        self.assertEqual(self.turn.state.runs, {})

    def test_served(self) -> None:
        """What has succeeded is not run again unless that is asked for; what runs never is."""
        for number, state in ((1, RunState.SUCCEEDED), (2, RunState.FAILED), (3, RunState.RUNNING)):
            one = replace(run(number, state=state), instant=day(number))
            self.turn.state.apply(RunChanged(one))
        span: dict[str, Any] = {"end": day(4), "dry_run": True}
        self.assertEqual(self.ask(**span), Planned((day(0), day(2))))
        self.assertEqual(self.ask(**span, again=True), Planned((day(0), day(1), day(2))))

    def test_twice(self) -> None:
        """Asked twice, it runs once; the second time it says why."""
        first, second = self.ask(end=day(2)), self.ask(end=day(2))
        self.assertEqual(len(first.runs), 2)
        self.assertEqual((second.runs, bool(second.note)), ((), True))

    def test_attempts(self) -> None:
        """What failed at its instant is another attempt at the same one."""
        failed = replace(run(1, state=RunState.FAILED), instant=day(1))
        self.turn.state.apply(RunChanged(failed))
        (made,) = self.ask(day(1), day(2)).runs
        self.assertEqual((made.instant, made.attempt), (day(1), 1))

    def test_refused(self) -> None:
        """Unknown and dependent jobs and empty or long spans are refused, disabled ones too."""
        self.turn.state.apply(JobChanged(job("b", "a")))
        self.assertEqual(self.ask(name=JobName("x")).reason, "unknown")
        self.assertEqual(self.ask(name=JobName("b")).reason, "invalid")
        self.assertEqual(self.ask(day(2), day(2)).reason, "invalid")
        known = job("a")
        self.have(replace(known, spec=replace(known.spec, disabled=True)))
        self.assertEqual(self.ask().reason, "locked")
        self.assertEqual(len(self.ask(dry_run=True).instants), 10)

    def test_long(self) -> None:
        """More instants than may be are refused, and nothing is run."""
        known = job("a")
        hourly = Repeating(anchor=DAILY.anchor, period=Period(hours=1), zone="UTC")
        self.have(replace(known, spec=replace(known.spec, timetable=hourly)), 100)
        answer = self.ask()
        assert isinstance(answer, Unfit)
        self.assertIn(str(BACKFILL_MAX), answer.message)
        self.assertEqual(self.turn.state.runs, {})
