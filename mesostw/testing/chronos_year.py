"""
Chronos through a whole year, in virtual time: 200 jobs, every night when clocks change.

::

    report = ChronosYear(seed=7).run()
    assert report.faults == ()

A cluster of masters and agents (``mesostw.testing.chronos``) moves at least once a second, each
of its processes, which makes a year of it a matter of hours.  So here are Chronos' real core,
driver, store and feed, and for the rest :class:`~mesostw.testing.chronos_mesos.SmallMaster`.
Seconds in which Chronos has nothing to do are left out, but some of them are lived through to
see that nothing happens in them.

Now and then Chronos is killed, a master or a machine lost, and the wall clock set.  Times of
what is judged are those of Chronos' own wall clock, which stands still where that is put back:
nothing is due a second time then.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import date
from hashlib import blake2b
from random import Random
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.bus.exchange import Exchange
from mesostw.core.chronos.changes import ChronosChange
from mesostw.core.chronos.flags import TICK_S, ChronosFlags
from mesostw.core.chronos.machine import Chronos
from mesostw.core.chronos.records import RunState
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import (
    ChronosEffect,
    ChronosStimulus,
    JobAsked,
    Kept,
    StepDown,
    Tick,
)
from mesostw.core.outcome import Moment, Outcome, TimerFired
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.interfaces import IFollower, IPerformer
from mesostw.model.jobs import JobName
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.testing.chronos_book import RECOVERY_S, Book
from mesostw.testing.chronos_mesos import AGENTS, SmallMaster
from mesostw.testing.chronos_plans import Planner, Span
from mesostw.testing.clock import HeapClock, LifeClock
from mesostw.testing.cluster import Report
from mesostw.unattended import unattended

JOBS: Final = 200
DAYS: Final = 365
#: The years that seeds begin in; one of them has a day more.
YEARS: Final = (2024, 2025, 2026, 2027)
#: Until an append is kept.
FLUSH_S: Final = 0.002
#: Further ahead than anything: until when a tick waits that is to be left out, perhaps.
_NEVER_S: Final = 1e11
#: Ticks in a row without an effect, after which those are left out that come before something
#: else does, but for so many seconds: Chronos asks for offers before there is something to do.
QUIET_TICKS: Final = 3
AHEAD_S: Final = 4.0
#: Of so many times that ticks are left out they are lived through once, for so long at most.
LIVED_THROUGH: Final = 500
LIVED_S_MAX: Final = 600.0
#: Days between two troubles of a kind, on average.
KILLS_D: Final = 4.0
STEPS_D: Final = 6.0
MASTERS_D: Final = 7.0
MACHINES_D: Final = 10.0
CHANGES_D: Final = 2.0
DAY_S: Final = 86_400.0
#: How long Chronos stays dead, or without a master.
OUTAGES_S: Final = (0.1, 5.0, 600.0)
#: What the wall clock is set off by, and for how long at most.
STEPS_S: Final = (0.03, -0.03, 5.0, -5.0, 60.0, -60.0, 3600.0, -3600.0, 7200.0)
STEP_LASTS_S: Final = 100_000.0
LINES_MAX: Final = 2_000
FLAGS: Final = ChronosFlags(
    mesos_task_disk=0.0,
    # Each of these is a moment more in a year, and these the seconds before an instant.
    reconciliation_interval_s=21_600.0,
    min_revive_offers_interval_s=1.0,
)


class TickClock(LifeClock):
    """The clock of a life; the next tick is told of, and comes when the year has it come."""

    def __init__(self, clock: HeapClock, wall_error_s: float) -> None:
        super().__init__(clock, wall_error_s)
        self.tick: IDelayedCall | None = None
        self.ticked_at = clock.seconds()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        if args and isinstance(args[0], Tick):
            self.ticked_at = self.seconds()
            self.tick = super().callLater(_NEVER_S, callable, *args, **kwargs)
            return self.tick
        return super().callLater(delay, callable, *args, **kwargs)


class Heeded:
    """A core of which is known how many ticks in a row have led to nothing."""

    RECORDS = Chronos.RECORDS

    def __init__(self, core: Chronos) -> None:
        self._core = core
        self.state = core.state
        self.quiet_ticks = 0
        self.restore, self.write_of, self.check = core.restore, core.write_of, core.check

    def hear(self, stimulus: ChronosStimulus, now: Moment) -> Outcome[ChronosChange, ChronosEffect]:
        """Pass on what the core decides, and look at it."""
        outcome = self._core.hear(stimulus, now)
        is_tick = isinstance(stimulus, TimerFired) and isinstance(stimulus.timer, Tick)
        is_quiet = is_tick and not outcome.changes and len(outcome.effects) == 1
        self.quiet_ticks = self.quiet_ticks + 1 if is_quiet else 0
        return outcome


@implementer(IPerformer, IFollower)
class YearLife:
    """One life of Chronos."""

    def __init__(self, year: ChronosYear, number: int) -> None:
        self._year = year
        self.alive = True
        self.clock = TickClock(year.clock, year.error_s)
        self.store = MemoryStore(year.disk, self.clock, FLUSH_S)
        self.core = Heeded(year.chronos(FLAGS, number.to_bytes(8, "big"), Random(number)))
        self.feed: Feed[ChronosState, Any] = Feed(ChronosState())
        self.feed.follow(self)
        exchange = Exchange(self.clock, "chronos", ())
        self.driver = Driver(
            self.clock, self.core, self.store, self.feed, exchange, self, self._gave_up
        )
        exchange.inbox = self.driver

    async def start(self) -> None:
        """Read what was kept, and be known to the master."""
        await self.driver.start()
        self._year.master.connect(self.driver)

    def changed(self, seq: int, changes: Sequence[object]) -> None:
        """Write down what readers are shown; part of ``IFollower``."""
        self._year.book.shown(changes)

    def perform(self, effect: object) -> None:
        """Call the master; part of ``IPerformer``."""
        if isinstance(effect, StepDown):
            self._year.wrong(f"steps down: {effect.reason}")
        else:
            self._year.master.called(effect)

    def _gave_up(self, failure: Failure) -> None:
        self._year.wrong(f"gave up: {failure.getTraceback()}")

    def crash(self, groups_kept: int) -> None:
        """Be no more; so many groups that nobody was told of are kept."""
        self.alive = False
        self.clock.end()
        if self.clock.tick is not None and self.clock.tick.active():
            self.clock.tick.cancel()
        self.store.crash(groups_kept)
        self._year.master.part()


class ChronosYear:
    """
    A year of jobs, as a seed has it.

    :param begin: the first day; by the seed if there is none.
    :param chronos: a broken one must be found.
    """

    def __init__(
        self,
        seed: int,
        *,
        begin: date | None = None,
        days: int = DAYS,
        jobs: int = JOBS,
        chronos: type[Chronos] = Chronos,
    ) -> None:
        self.seed, self.chronos = seed, chronos
        self.span = Span(begin or date(YEARS[seed % len(YEARS)], 1, 1), days)
        self._random = Random(f"{seed}/year")
        self.clock = HeapClock(wall=self.span.start)
        self.disk = MemoryDisk()
        self.error_s = 0.0
        self._latest = 0.0
        self.faults: list[str] = []
        self._lines: deque[str] = deque(maxlen=LINES_MAX)
        self._digest = blake2b(digest_size=8)
        self.trouble: Counter[str] = Counter()
        self.steps = self.skips = 0
        #: Up to then every tick comes, though it could be left out.
        self._lived_until = 0.0
        self._lives = 0
        plans = Planner(Random(f"{seed}/plans"), self.span).all(jobs)
        self.book = Book(Random(f"{seed}/tasks"), plans, self.now, self.tell)
        self.master = SmallMaster(self.clock, self.book.began, self.book.ended)
        self.life: YearLife

    # --- what is told ---------------------------------------------------------------------

    def now(self) -> float:
        """What Chronos' wall clock shows, or has shown at most."""
        self._latest = max(self._latest, self.clock.wall() + self.error_s)
        return self._latest

    def tell(self, text: str) -> None:
        """Add to the story, of which the last is kept."""
        line = f"{self.clock.seconds():14.4f} {text}"
        self._digest.update(line.encode())
        self._lines.append(line)

    def wrong(self, text: str) -> None:
        """Something is as it must never be."""
        self.faults.append(text)
        self.tell(f"WRONG: {text}")

    # --- trouble --------------------------------------------------------------------------

    def _start(self) -> None:
        self._lives += 1
        self.life = YearLife(self, self._lives)
        self.tell(f"life {self._lives}")
        unattended(self.life.start(), lambda failure: self.wrong(failure.getTraceback()))

    def _now_and_then(self, days: float, trouble: Callable[[], object]) -> None:
        self.clock.callLater(
            self._random.expovariate(1 / (days * DAY_S)), self._happen, days, trouble
        )

    def _happen(self, days: float, trouble: Callable[[], object]) -> None:
        name = trouble.__name__.strip("_")
        self.trouble[name] += 1
        self.tell(f"{name}: {trouble()}")
        self._now_and_then(days, trouble)

    def _outage(self, end: Callable[[], object]) -> str:
        late_s = self._random.choice(OUTAGES_S) * self._random.uniform(0, 1)
        self.book.trouble(self.now(), self.now() + late_s)
        self.clock.callLater(late_s, end)
        return f"for {late_s:.3f} s"

    def _kill(self) -> str:
        if not self.life.alive:
            return "it is dead"
        self.life.crash(self._random.choice((0, 1, 2)))
        return self._outage(self._start)

    def _lose_master(self) -> str:
        self.master.lose()
        life = self.life
        return self._outage(lambda: self.master.connect(life.driver) if life.alive else None)

    def _lose_machine(self) -> str:
        lost = self.master.lose_agent(self._random.choice(AGENTS))
        return f"with {len(lost)} tasks"

    def _set_clock(self) -> str:
        self._step(self._random.choice(STEPS_S))
        self.clock.callLater(self._random.uniform(1, STEP_LASTS_S), self._step, 0.0)
        return f"{self.error_s:g} s off"

    def _step(self, error_s: float) -> None:
        before = self.now()
        self.error_s = self.life.clock.wall_error_s = error_s
        self.life.core.quiet_ticks = 0
        self.book.trouble(before, self.now())

    def _change(self) -> str:
        """Somebody changes a job, which keeps its place in its timetable."""
        name = self._random.choice(tuple(self.book.plans))
        if self.life.alive:
            unattended(
                self._ask({"description": f"at {self.clock.seconds():.0f}"}, name), self._unanswered
            )
        return name

    # --- the year -------------------------------------------------------------------------

    def run(self) -> Report:
        """Live through it, and judge."""
        self._start()
        self._until(1.0)
        for name, plan in self.book.plans.items():
            unattended(self._ask(plan.document, name), self._unanswered)
        self._until(30.0)
        self._now_and_then(KILLS_D, self._kill)
        self._now_and_then(STEPS_D, self._set_clock)
        self._now_and_then(MASTERS_D, self._lose_master)
        self._now_and_then(MACHINES_D, self._lose_machine)
        self._now_and_then(CHANGES_D, self._change)
        for day in range(1, self.span.days + 1):
            self._until(day * DAY_S)
            if self.faults:
                break
            if self.life.alive:
                self.life.core.check()
                self.faults += self.book.bounded(self.life.core.state, self.disk)
        while not self.faults and not self.life.alive:
            self._until(self.clock.seconds() + RECOVERY_S)
        self._until(self.clock.seconds() + RECOVERY_S)
        if not self.faults:
            self.faults += self.book.judged(self.life.core.state)
        return self._report()

    async def _ask(self, document: Any, name: str) -> None:
        known = name in self.life.core.state.jobs
        question = JobAsked(document=document, patches=JobName(name) if known else None)
        answer = await self.life.driver.ask(question)
        if not isinstance(answer, Kept):
            self.wrong(f"{name} is answered {answer}")

    def _unanswered(self, failure: Failure) -> None:
        self.tell(f"no answer: {failure.getErrorMessage()}")

    def _until(self, end_s: float) -> None:
        clock = self.clock
        while not self.faults and (due := clock.next_time()) is not None:
            tick = self.life.clock.tick
            if tick is not None and self.life.alive:
                at = self._tick_at(min(due, end_s))
                if at < due and at <= end_s:
                    clock.advance(max(0.0, at - clock.seconds()))
                    self._tick(tick)
                    continue
            if due > end_s:
                break
            clock.step()
            self.steps += 1
        clock.advance(max(0.0, end_s - clock.seconds()))

    def _tick(self, tick: IDelayedCall) -> None:
        """Have a tick come; one that could have been left out leads to nothing."""
        tick.reset(0)
        self.life.clock.tick = None
        # The tick, and the turn that hears of it.
        while self.clock.next_time() == self.clock.seconds():
            self.clock.step()
            self.steps += 1
        if self.clock.seconds() < self._lived_until and not self.life.core.quiet_ticks:
            self.wrong("a tick that may be left out led to something")

    def _tick_at(self, due: float) -> float:
        """When the next tick comes, if nothing else happens before ``due``."""
        following = self.life.clock.ticked_at + TICK_S
        late_s = due - AHEAD_S - following
        if late_s <= 0.0 or following < self._lived_until or not self._is_idle():
            return following
        self.skips += 1
        if self.skips % LIVED_THROUGH == 0:
            self._lived_until = min(due - AHEAD_S, following + LIVED_S_MAX)
            return following
        return following + late_s // TICK_S * TICK_S

    def _is_idle(self) -> bool:
        """Whether a tick leads to nothing until something else happens."""
        return (
            self.life.core.quiet_ticks >= QUIET_TICKS
            and self.master.is_quiet
            and all(
                run.state in (RunState.WAITING, RunState.RUNNING) and not run.doom
                for run in self.life.core.state.under_way.values()
            )
        )

    def _report(self) -> Report:
        return Report(
            self.seed,
            tuple(self.faults),
            self.trouble,
            self.steps,
            self.clock.seconds(),
            self.master.launched,
            self.master.acknowledged,
            self._digest.hexdigest(),
            tuple(self._lines),
        )
