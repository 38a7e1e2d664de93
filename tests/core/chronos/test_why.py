"""Everything that waits knows why."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import why
from mesostw.core.chronos.changes import JobChanged, PauseChanged, RunChanged, StandingChanged
from mesostw.core.chronos.demands import Funnel, demand_of
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.live import Asking, Live
from mesostw.core.chronos.records import Arrival, Cause, Job, Pause, Run, RunState, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.outcome import Moment
from mesostw.model.jobs import Concurrency, Instant, JobName, RunId
from tests.core.chronos.builders import WALL, job, run

A = JobName("a")
NOW = Moment(0.0, WALL + 100)


class WhyTests(SynchronousTestCase):
    """A state and a life that are set up by hand."""

    def setUp(self) -> None:
        self.state, self.live = ChronosState(), Live()
        self.live.registered = True

    def have(self, *things: Job | Run | Standing) -> None:
        for thing in things:
            match thing:
                case Job():
                    self.state.apply(JobChanged(thing))
                case Run():
                    self.state.apply(RunChanged(thing))
                case Standing():
                    self.state.apply(StandingChanged(thing))

    def kinds(self) -> list[list[str]]:
        """Why each run waits, in the order in which they are tried."""
        reports = why.queue(self.state, self.live, ChronosFlags(), NOW)
        self.assertTrue(all(one.sentence for one in reports))
        return [[cause.kind for cause in one.causes] for one in reports]

    def told(self, name: str = "a") -> list[str]:
        """Why a job is as it is."""
        found = why.report(self.state, self.live, ChronosFlags(), JobName(name), NOW)
        assert found is not None
        self.assertTrue(found.sentence)
        return [cause.kind for cause in found.causes]

    def test_order(self) -> None:
        """What may be launched comes first, of that what is more urgent, then the older."""
        urgent = replace(job("b"), spec=replace(job("b").spec, priority=5))
        self.have(job("a"), urgent, run(1), run(2), run(3, "b"))
        self.live.ready = {RunId("run-2-0"): None, RunId("run-3-0"): None}
        reports = why.queue(self.state, self.live, ChronosFlags(), NOW)
        self.assertEqual([one.run.id for one in reports], ["run-3-0", "run-2-0", "run-1-0"])

    def test_standstill(self) -> None:
        """A pause and a lost master keep everything."""
        self.have(job("a"), run(1))
        self.state.apply(PauseChanged(Pause(WALL, "ann", "new disks")))
        self.live.registered = False
        self.assertEqual(self.kinds(), [["paused", "disconnected"]])
        (report,) = why.queue(self.state, self.live, ChronosFlags(), NOW)
        self.assertIn("by ann: new disks", report.sentence)

    def test_delayed(self) -> None:
        """A retry waits for its time, which is told."""
        retry = replace(run(1, attempt=1), cause=Cause.RETRY, not_before=NOW.wall + 30)
        self.have(job("a"), retry)
        (report,) = why.queue(self.state, self.live, ChronosFlags(), NOW)
        self.assertEqual(report.causes[0].until, NOW.wall + 30)
        self.assertEqual(self.kinds(), [["backed_off"]])

    def test_busy(self) -> None:
        """Another run is in the way, unless both may run."""
        self.have(job("a"), run(1, state=RunState.RUNNING), run(2))
        self.assertEqual(self.kinds(), [["busy"]])
        beside = job("a")
        beside = replace(beside, spec=replace(beside.spec, concurrency=Concurrency.ALLOW))
        self.have(beside)
        self.assertEqual(self.kinds(), [["next"]])

    def test_unsure(self) -> None:
        """A run of an earlier life that nobody knows of yet is in the way too."""
        self.have(job("a"), run(1, state=RunState.RUNNING), run(2))
        self.live.unsure[RunId("run-1-0")] = Asking(1.0, 0.0)
        self.assertEqual(self.kinds(), [["unsure"]])
        self.assertEqual(self.told(), ["unsure", "finished"])

    def test_offers(self) -> None:
        """A run that may be launched waits for offers: for any, for a better, or for more."""
        known = job("a")
        self.have(known, run(1))
        self.live.ready[RunId("run-1-0")] = None
        self.assertEqual(self.kinds(), [["no_offers"]])
        funnel = self.live.funnels[demand_of(known.spec)] = Funnel()
        funnel.told(("cpus", "mem"), WALL)
        funnel.told(("cpus",), WALL)
        self.assertEqual(self.kinds(), [["refused"]])
        (report,) = why.queue(self.state, self.live, ChronosFlags(), NOW)
        self.assertIn("cpus turned away 2 of 2, mem turned away 1 of 2", report.sentence)
        found = why.report(self.state, self.live, ChronosFlags(), A, NOW)
        assert found is not None
        self.assertEqual(found.funnel[0], "2 offers were looked at, 0 did")
        funnel.told((), WALL)
        self.assertEqual(self.kinds(), [["no_offers"]])

    def test_jobs(self) -> None:
        """A job waits for its next instant or its parents, or is over or disabled."""
        self.have(job("a"), job("b", "a", "c"), Standing(A, Instant(int(WALL * 1000))))
        self.assertEqual(self.told(), ["due"])
        self.have(Standing(A))
        self.assertEqual(self.told(), ["finished"])
        self.have(Standing(JobName("b"), arrived=(Arrival(A, RunId("r"), WALL),)))
        found = why.report(self.state, self.live, ChronosFlags(), JobName("b"), NOW)
        assert found is not None
        self.assertEqual(found.sentence, "nothing runs: the next ends of c are waited for")
        disabled = replace(job("a"), spec=replace(job("a").spec, disabled=True))
        self.have(disabled, Standing(A, disabled_because="failures"))
        self.assertEqual(self.told(), ["disabled"])

    def test_running(self) -> None:
        """What runs is told with what is odd about it."""
        away = replace(run(2, state=RunState.RUNNING), unreachable_since=WALL)
        doomed = replace(run(3, state=RunState.RUNNING), doom="killed by ann")
        awaited = run(4, state=RunState.AWAITED)
        self.have(job("a"), run(1, state=RunState.STAGING), away, doomed, awaited)
        self.assertEqual(self.told(), ["running", "unreachable", "ending", "running", "finished"])

    def test_removed(self) -> None:
        """What is left of a removed job waits for nothing, and an unknown job is not told of."""
        self.have(run(1))
        self.assertEqual(self.kinds(), [["removed"]])
        self.assertIsNone(why.report(self.state, self.live, ChronosFlags(), A, NOW))
