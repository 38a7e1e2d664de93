"""Whatever happens to instances, who is asked, who is killed and what is told adds up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import (
    health,
    kills,
    reconciling,
    recovery,
    registration,
    statuses,
    timeouts,
    unreachable,
)
from mesostw.core.marathon.events import InstanceMoved
from mesostw.core.marathon.flags import TERMINATIONS_MAX
from mesostw.core.marathon.records import Condition
from mesostw.core.marathon.words import KillDue, ReconcileDue
from mesostw.core.outcome import Arm, Disarm
from mesostw.core.probes import Probed, ProbeKey, StartProbe, StopProbe
from mesostw.core.scheduling import AcknowledgeStatus, KillTask, Registered, StatusCame
from mesostw.messages.tasks import TaskStatusReason
from mesostw.model.apps import App, HealthCheck, InstanceId, UnreachableStrategy
from mesostw.model.ids import FrameworkId
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import World, app, instance
from tests.core.marathon.test_statuses import status

HELLO = Registered(FrameworkId("M-0000"), None)


def apps() -> tuple[App, ...]:
    """One that is checked and drained, one that is replaced late, one that never is."""
    check = HealthCheck(grace_period_seconds=3, max_consecutive_failures=1)
    late = UnreachableStrategy(inactive_after_seconds=10, expunge_after_seconds=40)
    return (
        app("/checked", health_checks=(check,), drain_delay_seconds=7),
        app("/late", unreachable_strategy=late, health_checks=(check,)),
        app("/never", unreachable_strategy=None),
    )


class Life:
    """A life of a few instances, the prober's and the timers' view of it, and the next life."""

    def __init__(self) -> None:
        self.world = World()
        self.asked: set[ProbeKey] = set()
        self.armed: dict[KillDue | ReconcileDue, float] = {}
        self.world.run(registration.registered, HELLO)
        self.names: list[InstanceId] = []
        for of in apps():
            self.world.add(of)
            for number in range(2):
                one = instance(of, Condition.PROVISIONED, number, ports=(31000,))
                self.world.add(one)
                self.names.append(one.id)
        self._took()

    def _took(self) -> None:
        """Follow the effects as a prober and a driver do."""
        for effect in self.world.effects:
            match effect:
                case StartProbe(key):
                    assert key not in self.asked, f"{key}: begun twice"
                    self.asked.add(key)
                case StopProbe(key):
                    self.asked.remove(key)
                case Arm(KillDue() | ReconcileDue() as timer, delay_s):
                    self.armed[timer] = self.world.now.steady + delay_s
                case Disarm(KillDue() | ReconcileDue() as timer):
                    self.armed.pop(timer, None)
                case _:
                    pass
        for one in self.world.told(InstanceMoved):
            assert one.instance_id in self.names
        self.world.clear()

    # --- what may happen ------------------------------------------------------------

    def status(self, number: int, state: TaskState, healthy: bool | None) -> None:
        """A status comes."""
        task_id = self.names[number] + "._app.1"
        reason = TaskStatusReason.REASON_AGENT_REMOVED if number % 2 else None
        told = status(task_id, state, healthy=healthy, reason=reason)
        self.world.run(statuses.came, StatusCame(told))
        assert self.world.did(AcknowledgeStatus) == [AcknowledgeStatus(told)]
        self._took()

    def probed(self, number: int, code: int | None) -> None:
        """A probe tells something, also one that is not made any more."""
        key = ProbeKey(f"{self.names[number]}/0")
        heard = Probed(key=key, status=code, error="" if code else "silent")
        self.world.run(health.probed, heard)
        assert key in self.asked or not self.world.changes
        self._took()

    def kill(self, number: int, wipe: bool) -> None:
        """Somebody wants an instance gone."""
        one = self.world.state.instances.get(self.names[number])
        if one is not None:
            self.world.run(kills.kill, one, "asked for", wipe)
        self._took()

    def later(self, seconds: int) -> None:
        """Time goes by, a second at a time."""
        for _ in range(seconds):
            self.world.later(1)
            for ticked in (timeouts.ticked, unreachable.ticked, kills.said_again):
                self.world.run(ticked)
                self._took()
            for timer in [one for one, at in self.armed.items() if at <= self.world.now.steady]:
                del self.armed[timer]
                if isinstance(timer, KillDue):
                    self.world.run(kills.due, timer)
                else:
                    self.world.run(reconciling.due)
                self._took()

    def link(self, there: bool) -> None:
        """The master comes or goes."""
        if there and not self.world.live.registered:
            self.world.run(registration.registered, HELLO)
        elif not there:
            self.world.run(registration.lost)
        self._took()

    def restart(self) -> None:
        """A life ends, and the next one begins with what was kept."""
        old = self.world
        self.world = World(old.flags, nonce=7)
        self.world.now = old.now
        self.world.store.update(old.store)
        self.asked.clear()
        self.armed.clear()
        self.world.run(recovery.restored, old.store.items())
        assert self.world.state.instances == old.state.instances
        self._took()

    # --- what is true at all times ----------------------------------------------------

    def check(self) -> None:
        """Raise ``AssertionError`` if something is asked, killed or kept that should not be."""
        state, live = self.world.state, self.world.live
        checked = {
            ProbeKey(f"{one.id}/0")
            for one in state.instances.values()
            if one.condition is Condition.RUNNING and not one.is_doomed and one.app_id != "/never"
        }
        assert self.asked == checked, (self.asked, checked)
        for one in state.instances.values():
            ways = (
                one.id in live.kills_said,
                one.id in live.kills_waiting,
                KillDue(one.id) in self.armed,
            )
            assert sum(ways) == one.is_doomed, (one, ways)
            assert not (one.is_doomed and one.is_away), f"{one.id}: waited for in vain"
        for table in (live.probes, live.kills_said, live.health_told, live.health_said):
            assert table.keys() <= state.instances.keys()
        assert live.earned <= state.instances.keys()
        for ends in state.terminations.values():
            assert len(ends) <= TERMINATIONS_MAX
        assert (ReconcileDue() in self.armed) == live.registered


Step: TypeAlias = Callable[[Life], None]

NUMBERS = st.integers(0, 5)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        lambda number, state, healthy: lambda life: life.status(number, state, healthy),
        NUMBERS,
        st.sampled_from([TaskState.TASK_RUNNING] * 8 + list(TaskState)),
        st.sampled_from([None, True, False]),
    ),
    st.builds(
        lambda number, code: lambda life: life.probed(number, code),
        NUMBERS,
        st.sampled_from([200, 500, 100, None]),
    ),
    st.builds(lambda number, wipe: lambda life: life.kill(number, wipe), NUMBERS, st.booleans()),
    st.builds(lambda seconds: lambda life: life.later(seconds), st.integers(1, 40)),
    st.builds(lambda there: lambda life: life.link(there), st.booleans()),
    st.just(Life.restart),
)


class LivingTests(SynchronousTestCase):
    """Statuses, findings, kills, time, masters and restarts in any order."""

    @settings(max_examples=200, deadline=None)
    @given(st.lists(STEPS, min_size=20, max_size=60))
    def test_anything(self, steps: list[Step]) -> None:
        """After each step exactly those are asked and killed that should be."""
        life = Life()
        for step in steps:
            step(life)
            life.check()

    def test_every_kill_is_said(self) -> None:
        """What is to end is killed within its drain delay once a master is there."""
        life = Life()
        for number in range(6):
            life.status(number, TaskState.TASK_RUNNING, None)
            life.kill(number, False)
        life.link(False)
        life.restart()
        life.check()
        said: set[str] = set()
        life.world.run(registration.registered, HELLO)
        said |= {one.task_id for one in life.world.did(KillTask)}
        self.assertEqual(len(said), 4)
        life.later(7)
        life.check()
        self.assertEqual(len(life.world.live.kills_said), 6)
