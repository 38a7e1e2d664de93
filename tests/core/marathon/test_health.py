"""Health checks: when they are made, what their findings mean, and when they kill."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import converging, fitness, health, kills, statuses, tokens
from mesostw.core.marathon.changes import AppChanged, AppRemoved, VersionKept
from mesostw.core.marathon.events import (
    HealthCheckAdded,
    HealthCheckFailed,
    HealthCheckRemoved,
    HealthStatusMoved,
    InstanceHealthMoved,
    UnhealthyInstanceKilled,
)
from mesostw.core.marathon.records import Condition, Health, Instance
from mesostw.core.probes import Probed, ProbeKey, ProbeKind, StartProbe, StopProbe
from mesostw.core.scheduling import KillTask, StatusCame
from mesostw.model.apps import App, CheckProtocol, HealthCheck
from mesostw.model.tasks import TaskState
from tests.core.marathon.builders import V2, World, app, instance
from tests.core.marathon.test_statuses import said, status

C = Condition
S = TaskState
P = CheckProtocol


def check(**fields: Any) -> HealthCheck:
    """A check over HTTP without a time of grace."""
    return HealthCheck(**{"path": "/ok", "grace_period_seconds": 0, **fields})


class Watched(World):
    """A world with one running instance of an app with checks."""

    def __init__(self, *checks: HealthCheck, **spec: Any) -> None:
        super().__init__()
        self.live.registered = True
        self.app: App = app(health_checks=checks, **spec)
        self.one: Instance = instance(
            self.app, C.STARTING, task_state=S.TASK_STARTING, ports=(31000, 31001)
        )
        self.add(self.app, self.one)
        said(self, self.one, S.TASK_RUNNING)

    def found(self, status: int | None = None, error: str = "", index: int = 0) -> None:
        """Have a probe tell something."""
        key = ProbeKey(f"{self.one.id}/{index}")
        self.run(health.probed, Probed(key=key, status=status, error=error))

    def result(self, index: int = 0) -> Health | None:
        """What a check has found."""
        return fitness.found_of(self.state, self.present(), index)

    def present(self) -> Instance:
        return self.state.instances[self.one.id]

    def healthy(self) -> bool | None:
        return fitness.is_healthy(self.state, self.present())


class WatchTests(SynchronousTestCase):
    """When an instance is asked, and how."""

    def test_began(self) -> None:
        """Each check of Marathon's own becomes a probe when the instance runs."""
        world = Watched(
            check(interval_seconds=30, timeout_seconds=7),
            check(protocol=P.HTTPS, port=8443, interval_seconds=2),
            check(protocol=P.TCP, port_index=1),
            check(protocol=P.MESOS_HTTP),
        )
        probes = {start.key.rpartition("/")[2]: start.spec for start in world.did(StartProbe)}
        self.assertEqual(sorted(probes), ["0", "1", "2"])
        first = probes["0"]
        self.assertEqual((first.kind, first.host, first.port), (ProbeKind.HTTP, "n1", 31000))
        self.assertEqual((first.path, first.delay_s, first.interval_s), ("/ok", 5.0, 30.0))
        self.assertEqual((first.timeout_s, first.follow_redirects), (7.0, False))
        self.assertEqual((probes["1"].port, probes["1"].delay_s), (8443, 2.0))
        self.assertEqual((probes["2"].kind, probes["2"].port), (ProbeKind.TCP, 31001))
        self.assertEqual(len(world.told(HealthCheckAdded)), 4)

    def test_once(self) -> None:
        """A repeated TASK_RUNNING begins nothing again."""
        world = Watched(check())
        said(world, world.one, S.TASK_RUNNING, healthy=True)
        self.assertEqual(len(world.did(StartProbe)), 1)

    def test_stops(self) -> None:
        """It is asked no more when it ends, is away, is being killed, or is to end."""
        for state in (S.TASK_FAILED, S.TASK_UNREACHABLE, S.TASK_KILLING):
            world = Watched(check(), check())
            said(world, world.one, state)
            self.assertEqual(len(world.did(StopProbe)), 2, state)
            self.assertEqual(world.live.probes, {})
        world = Watched(check())
        world.run(kills.kill, world.one, "because")
        self.assertEqual(len(world.did(StopProbe)), 1)
        said(world, world.one, S.TASK_KILLED)
        self.assertEqual(len(world.did(StopProbe)), 1)

    def test_comes_back(self) -> None:
        """What was away is asked again."""
        world = Watched(check())
        said(world, world.one, S.TASK_UNREACHABLE)
        world.clear()
        said(world, world.one, S.TASK_RUNNING)
        self.assertEqual(len(world.did(StartProbe)), 1)

    def test_late_finding(self) -> None:
        """Findings of what is not asked any more are not listened to."""
        world = Watched(check())
        world.run(kills.kill, world.one, "because")
        world.clear()
        world.found(500)
        world.run(health.probed, Probed(key=ProbeKey("nobody/0"), status=500))
        world.run(health.probed, Probed(key=ProbeKey(f"{world.one.id}/7"), status=500))
        world.run(health.probed, Probed(key=ProbeKey(f"{world.one.id}/ready"), status=200))
        self.assertEqual((world.changes, world.effects), ([], []))

    def test_own_version(self) -> None:
        """An instance keeps the checks of the version that it was made from."""
        world = Watched(check(path="/old"))
        newer = app(version=V2, health_checks=(check(path="/new"), check(protocol=P.TCP)))
        world.change(AppChanged(newer), VersionKept(newer))
        world.clear()
        world.found(200)
        self.assertTrue(world.healthy())
        self.assertEqual(world.did(StartProbe), [])
        second = instance(newer, C.STARTING, 2, ports=(31005,))
        world.add(second)
        said(world, second, S.TASK_RUNNING)
        self.assertEqual([start.spec.path for start in world.did(StartProbe)][:1], ["/new"])
        self.assertEqual({added.version for added in world.told(HealthCheckAdded)}, {V2})
        self.assertEqual(world.told(HealthCheckRemoved), [])
        said(world, world.one, S.TASK_KILLED)
        self.assertEqual(len(world.told(HealthCheckRemoved)), 1)

    def test_crash_is_no_change_of_checks(self) -> None:
        """While an app stays as it is, a crash of its only instance removes no check."""
        world = Watched(check())
        said(world, world.one, S.TASK_FAILED)
        again = instance(world.app, C.STARTING, 2, ports=(31005,))
        world.add(again)
        said(world, again, S.TASK_RUNNING)
        self.assertEqual(len(world.told(HealthCheckAdded)), 1)
        self.assertEqual(world.told(HealthCheckRemoved), [])

    def test_an_app_that_is_gone_is_not_checked(self) -> None:
        """Also if none of its instances ran when it was removed."""
        world = Watched(check())
        said(world, world.one, S.TASK_FAILED)
        world.change(AppRemoved(world.app.id))
        world.live.marked[world.app.id] = None
        world.run(converging.converged)
        self.assertEqual(len(world.told(HealthCheckRemoved)), 1)
        self.assertEqual(world.live.checked, {})

    def test_restart(self) -> None:
        """After a restart all are asked, and nothing is known but what agents had told."""
        world = Watched(check(), check(protocol=P.COMMAND))
        world.found(200)
        said(world, world.one, S.TASK_RUNNING, healthy=True)
        self.assertTrue(world.healthy())
        again = world.restarted()
        again.run(health.restored)
        self.assertEqual(len(again.did(StartProbe)), 1)
        one = again.state.instances[world.one.id]
        self.assertIsNone(fitness.is_healthy(again.state, one))
        self.assertTrue(one.agent_health)
        again.run(health.probed, Probed(key=ProbeKey(f"{one.id}/0"), status=200))
        self.assertTrue(fitness.is_healthy(again.state, one))

    def test_restart_leaves_the_doomed_alone(self) -> None:
        """What is to end is not asked in the next life."""
        world = Watched(check())
        world.run(kills.kill, world.one, "because")
        again = world.restarted()
        again.run(health.restored)
        self.assertEqual(again.did(StartProbe), [])


class FindingTests(SynchronousTestCase):
    """What one answer means."""

    def test_answers(self) -> None:
        """200 to 399 are good; 1xx says nothing if it is to be ignored; silence is bad."""
        plain, tolerant = check(), check(ignore_http1xx=True)
        tcp = check(protocol=P.TCP)
        key = ProbeKey("k/0")
        for by, heard, fault in (
            (plain, Probed(key=key, status=200), ""),
            (plain, Probed(key=key, status=399), ""),
            (plain, Probed(key=key, status=400), "400 Bad Request"),
            (plain, Probed(key=key, status=503), "503 Service Unavailable"),
            (plain, Probed(key=key, status=599), "599"),
            (plain, Probed(key=key, status=100), "100 Continue"),
            (tolerant, Probed(key=key, status=199), None),
            (tolerant, Probed(key=key, status=404), "404 Not Found"),
            (plain, Probed(key=key, error="timed out"), "timed out"),
            (tcp, Probed(key=key), ""),
            (tcp, Probed(key=key, error="refused"), "refused"),
        ):
            self.assertEqual(health.fault_of(by, heard), fault, heard)

    def test_good(self) -> None:
        """The first success makes it healthy; the event stream hears that once."""
        world = Watched(check())
        self.assertIsNone(world.healthy())
        world.live.marked.clear()
        world.found(200)
        self.assertTrue(world.healthy())
        self.assertIn(world.app.id, world.live.marked)
        self.assertEqual([e.alive for e in world.told(HealthStatusMoved)], [True])
        self.assertEqual([e.healthy for e in world.told(InstanceHealthMoved)], [True])
        began = world.result()
        assert began is not None
        world.clear()
        world.live.marked.clear()
        world.later(60)
        world.found(204)
        self.assertEqual(world.events(), [])
        self.assertEqual(world.live.marked, {})
        later = world.result()
        assert later is not None
        self.assertEqual(later.first_success, began.first_success)
        assert later.last_success is not None
        assert began.last_success is not None
        self.assertEqual(later.last_success - began.last_success, 60)

    def test_bad_then_good(self) -> None:
        """Failures are counted in a row; one success begins anew."""
        world = Watched(check(max_consecutive_failures=0))
        world.found(200)
        world.clear()
        for number in (1, 2):
            world.found(500)
            found = world.result()
            assert found is not None
            self.assertEqual((found.alive, found.consecutive_failures), (False, number))
            self.assertEqual(found.last_failure_cause, "500 Internal Server Error")
        self.assertEqual(len(world.told(HealthCheckFailed)), 2)
        self.assertEqual([e.alive for e in world.told(HealthStatusMoved)], [False])
        self.assertEqual([e.healthy for e in world.told(InstanceHealthMoved)], [False])
        world.found(200)
        found = world.result()
        assert found is not None
        self.assertEqual((found.alive, found.consecutive_failures), (True, 0))

    def test_ignored(self) -> None:
        """An answer that says nothing leaves everything as it is."""
        world = Watched(check(ignore_http1xx=True))
        world.clear()
        world.found(102)
        self.assertEqual(world.changes, [])

    def test_grace(self) -> None:
        """Failures do not count before the time of grace is over, or after one success."""
        world = Watched(check(grace_period_seconds=60, max_consecutive_failures=1))
        for _ in range(5):
            world.found(500)
        self.assertIsNone(world.result())
        self.assertEqual(world.told(HealthCheckFailed), [])
        world.later(59)
        world.found(500)
        self.assertIsNone(world.healthy())
        world.later(1)
        world.found(500)
        self.assertIs(world.healthy(), False)
        other = Watched(check(grace_period_seconds=60))
        other.found(200)
        other.found(500)
        self.assertIs(other.healthy(), False)


class AggregateTests(SynchronousTestCase):
    """Health as a whole."""

    def test_table(self) -> None:
        """All alive is healthy; one without a finding is not known; else it is unhealthy."""
        for first, second, expected in (
            (200, 200, True),
            (200, None, None),
            (500, None, None),
            (500, 200, False),
            (500, 500, False),
            (None, None, None),
        ):
            world = Watched(check(), check())
            for index, code in enumerate((first, second)):
                if code is not None:
                    world.found(code, index=index)
            self.assertIs(world.healthy(), expected, (first, second))
            bad = 500 in (first, second)
            self.assertIs(fitness.is_unhealthy(world.state, world.present()), bad)
            self.assertIs(fitness.is_ready(world.state, world.present()), expected is True)

    def test_agent(self) -> None:
        """The agent's finding counts with ours, is shown, and never has us kill."""
        world = Watched(check(), check(protocol=P.COMMAND, max_consecutive_failures=1))
        world.found(200)
        self.assertIsNone(world.healthy())
        said(world, world.one, S.TASK_RUNNING, healthy=True)
        self.assertTrue(world.healthy())
        world.clear()
        for number in range(3):
            said(world, world.one, S.TASK_RUNNING, healthy=False, message=f"bad {number}")
            said(world, world.one, S.TASK_RUNNING, healthy=bool(number), message="")
        self.assertEqual(world.did(KillTask), [])
        self.assertEqual(len(world.told(HealthStatusMoved)), 4)
        found = world.result(health.AGENT)
        assert found is not None
        self.assertTrue(found.alive)

    def test_agent_fails_on(self) -> None:
        """Each failure that the agent tells of counts, one that is only repeated does not."""
        world = Watched(check(protocol=P.COMMAND))
        for uuid in (b"1" * 16, b"2" * 16, b"2" * 16, None, b"3" * 16):
            said(world, world.one, S.TASK_RUNNING, healthy=False, uuid=uuid, message="no")
        found = world.result(health.AGENT)
        assert found is not None
        self.assertEqual((found.consecutive_failures, found.last_failure_cause), (3, "no"))
        self.assertEqual(len(world.told(HealthCheckFailed)), 3)
        self.assertIs(world.healthy(), False)
        again = world.restarted()
        again.run(health.restored)
        said(again, world.one, S.TASK_RUNNING, healthy=False, uuid=b"4" * 16)
        self.assertEqual(len(again.told(HealthCheckFailed)), 1)

    def test_no_checks(self) -> None:
        """Without checks health is not known, and readiness does not ask for it."""
        world = Watched()
        self.assertIsNone(world.healthy())
        self.assertTrue(fitness.is_ready(world.state, world.present()))
        self.assertEqual(world.did(StartProbe), [])


class KillTests(SynchronousTestCase):
    """What fails too often is replaced."""

    def failures_until_kill(self, most: int) -> int | None:
        """How many failures in a row it takes, of 20 at most."""
        world = Watched(check(max_consecutive_failures=most))
        world.found(200)
        for number in range(1, 21):
            world.found(500)
            if world.did(KillTask):
                return number
        return None

    def test_table(self) -> None:
        """One failure more than the number; never with 0."""
        found = [self.failures_until_kill(most) for most in (0, 1, 3)]
        self.assertEqual(found, [None, 2, 4])

    def test_told(self) -> None:
        """The event stream hears why, and the end counts as a failure of the app."""
        world = Watched(check(max_consecutive_failures=1), drain_delay_seconds=60)
        world.found(200)
        world.found(error="connection refused")
        world.found(error="connection refused")
        (killed,) = world.told(UnhealthyInstanceKilled)
        self.assertEqual((killed.reason, killed.hostname), ("connection refused", "n1"))
        self.assertEqual((killed.task_id, killed.agent_id), (world.one.task_id, "S1"))
        self.assertEqual(len(world.told(HealthCheckFailed)), 2)
        self.assertEqual(len(world.did(KillTask)), 1)
        message = "Command terminated with signal Terminated"
        world.run(statuses.came, StatusCame(status(world.one, S.TASK_KILLED, message=message)))
        end = world.state.last_failure(world.app.id)
        assert end is not None
        self.assertIn("connection refused", end.message)
        self.assertEqual((end.state, end.exit_status), (S.TASK_KILLED, 143))
        self.assertEqual(world.state.delays, {})

    def test_by_the_agent(self) -> None:
        """An executor that kills for bad health says so; that is a failure of the app too."""
        for healthy, doomed, failure in (
            (False, False, True),
            (None, False, False),
            (False, True, False),
        ):
            world = Watched(check(protocol=P.COMMAND))
            if doomed:
                world.run(kills.kill, world.one, "scaled down")
            said(world, world.one, S.TASK_KILLED, healthy=healthy)
            (end,) = world.state.terminations[world.app.id].values()
            self.assertIs(end.is_failure, failure)


class TokenTests(SynchronousTestCase):
    """Instances that run and are healthy let others be launched."""

    def left(self, world: World) -> int:
        return world.run(tokens.left)

    def test_without_checks(self) -> None:
        """Running is enough, and counts once."""
        world = World()
        before = self.left(world)
        of = app()
        one = instance(of, C.STARTING)
        world.add(of, one)
        said(world, one, S.TASK_RUNNING)
        self.assertEqual(self.left(world), before + 1)
        said(world, one, S.TASK_UNREACHABLE)
        said(world, one, S.TASK_RUNNING)
        self.assertEqual(self.left(world), before + 1)

    def test_with_checks(self) -> None:
        """The first time that it is healthy counts."""
        world = Watched(check())
        before = self.left(world)
        for code in (200, 500, 200):
            world.found(code)
        self.assertEqual(self.left(world), before + 1)
