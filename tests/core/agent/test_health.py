"""Health of built-in tasks: when it is looked at, what is told, and when it kills."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import (
    ContainerStarted,
)
from mesostw.core.agent.flags import PENDING_MAX
from mesostw.core.probes import ProbeKind, ProbeSpec, StartProbe, StopProbe
from mesostw.messages.agent_master import ShutdownFramework
from mesostw.messages.frameworks import FrameworkCapabilityType
from mesostw.messages.health import (
    CheckType,
    HealthCheck,
    HealthCheckType,
    HTTPCheckInfo,
    TCPCheckInfo,
)
from mesostw.messages.ids import FrameworkID
from mesostw.messages.networks import NetworkProtocol
from mesostw.messages.tasks import TaskState, TaskStatusReason
from tests.core.agent.builders import EPOCH, World, command_task, executor_task
from tests.core.agent.checked import Checked, check, http

S = TaskState
R = TaskStatusReason


class ProbeTests(SynchronousTestCase):
    """Which probe a check is."""

    def probe(self, **task: Any) -> ProbeSpec:
        return Checked().begin(**task).started_probe()[1]

    def test_http(self) -> None:
        """HTTP is asked at the task's own machine, and follows redirects."""
        self.assertEqual(
            self.probe(health_check=http()),
            ProbeSpec(
                kind=ProbeKind.HTTP,
                host="127.0.0.1",
                port=80,
                path="/",
                delay_s=15.0,
                interval_s=10.0,
                timeout_s=20.0,
                from_end=True,
                follow_redirects=True,
            ),
        )

    def test_variants(self) -> None:
        """Scheme, protocol, path and times are those of the message."""
        tcp = HealthCheckType.TCP
        secure = HTTPCheckInfo(port=443, scheme="https", path="/h", protocol=NetworkProtocol.IPv6)
        for task, kind, host, path in (
            ({"health_check": http(http=secure)}, ProbeKind.HTTPS, "::1", "/h"),
            (
                {"health_check": HealthCheck(type=tcp, tcp=TCPCheckInfo(port=443))},
                ProbeKind.TCP,
                "127.0.0.1",
                "/",
            ),
            ({"check": check(CheckType.HTTP)}, ProbeKind.HTTP, "127.0.0.1", "/h"),
            ({"check": check(CheckType.TCP)}, ProbeKind.TCP, "127.0.0.1", "/"),
        ):
            spec = self.probe(**task)
            self.assertEqual((spec.kind, spec.host, spec.path), (kind, host, path))

    def test_begins_when_it_runs(self) -> None:
        """A task that does not run yet is not checked, and one that runs only once."""
        world = Checked().registered()
        world.run(command_task(health_check=http(), check=check(CheckType.TCP)))
        self.assertEqual([e for e in world.effects if isinstance(e, StartProbe)], [])
        world.start()
        world.start()
        started = [one.key for one in world.effects if isinstance(one, StartProbe)]
        container_id = world.task().container_id
        self.assertEqual(started, [f"health/{container_id}", f"check/{container_id}"])

    def test_not_of_custom_executors(self) -> None:
        """What a custom executor runs is checked by that executor, or not at all."""
        world = World().registered()
        world.run(executor_task(health_check=http(), check=check(CheckType.COMMAND)))
        (spec,) = world.launched()
        world.hear(ContainerStarted(spec.container_id, 5))
        world.passed(100.0)
        self.assertEqual([e for e in world.effects if isinstance(e, StartProbe)], [])
        self.assertEqual(world.launched(), [])


class HealthTests(SynchronousTestCase):
    """What is told of a task's health."""

    def test_told(self) -> None:
        """Each unhealthy finding and the first healthy one after it, with their reason."""
        world = Checked().begin(health_check=http(grace_period_seconds=0.0))
        self.assertIs(world.task().statuses[-1].healthy, None)
        for finding, told in (
            ((200, ""), [True]),
            ((399, ""), []),
            ((400, ""), [False]),
            ((503, ""), [False]),
            ((302, ""), [True]),
            ((None, "connection refused"), [False]),
        ):
            world.found(*finding)
            statuses = world.told()
            self.assertEqual([status.healthy for status in statuses], told, finding)
            for status in statuses:
                self.assertIs(status.state, S.TASK_RUNNING)
                self.assertIs(status.reason, R.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED)
        self.assertEqual(world.task().statuses[-1].message, "Unhealthy: connection refused")

    def test_grace(self) -> None:
        """Failures count from the end of the grace period, or from the first success."""
        world = Checked().begin(health_check=http(grace_period_seconds=10.0))
        world.passed(9.9)
        world.found(500)
        self.assertEqual(world.health(), [])
        world.passed(0.2)
        world.found(500)
        self.assertEqual(world.health(), [False])
        world = Checked().begin(health_check=http(grace_period_seconds=10.0))
        world.found(200)
        world.found(500)
        self.assertEqual(world.health(), [True, False])

    def test_kill(self) -> None:
        """So many failures in a row, not less, end a task as the message says."""
        for limit, fatal in ((1, 1), (3, 3), (0, 1)):
            world = Checked().begin(
                health_check=http(consecutive_failures=limit, grace_period_seconds=0.0)
            )
            for _ in range(fatal - 1):
                world.found(500)
            world.found(200)
            for _ in range(fatal - 1):
                world.found(500)
            self.assertEqual(world.signals(), [])
            world.found(502)
            self.assertEqual(world.signals(), [15])
            self.assertIs(world.health()[-1], False)
            world.passed(3.1)
            self.assertEqual(world.signals(), [9])
            world.exit(status=9)
            (end,) = world.told()
            self.assertIs(end.state, S.TASK_KILLED)
            self.assertIs(end.healthy, False)
            times = "once" if fatal == 1 else "3 times in a row"
            self.assertEqual(
                end.message,
                f"Killed because its health check failed {times}, the last time: "
                "HTTP status 502. Command terminated with signal Killed",
            )

    def test_killing_state(self) -> None:
        """Frameworks that know TASK_KILLING are told of a kill for bad health too."""
        world = Checked().begin(
            FrameworkCapabilityType.TASK_KILLING_STATE,
            health_check=http(consecutive_failures=1, grace_period_seconds=0.0),
        )
        world.found(500)
        told = [(status.state, status.healthy) for status in world.told()]
        self.assertEqual(told, [(S.TASK_RUNNING, False), (S.TASK_KILLING, False)])

    def test_tcp(self) -> None:
        """A connection is health."""
        tcp = HealthCheck(
            type=HealthCheckType.TCP, tcp=TCPCheckInfo(port=1), grace_period_seconds=0.0
        )
        world = Checked().begin(health_check=tcp)
        world.found(None)
        world.found(None, "connection refused")
        self.assertEqual(world.health(), [True, False])

    def test_nothing_after_the_kill(self) -> None:
        """A task that is being ended is checked no more, whoever ends it."""
        for end in (
            lambda world: world.kill(),
            lambda world: world.exit(),
            lambda world: world.master_says(
                ShutdownFramework(framework_id=FrameworkID(value="F"), epoch=EPOCH)
            ),
        ):
            world = Checked().begin(health_check=http(), check=check(CheckType.TCP))
            key, _ = world.started_probe()
            end(world)
            stopped = [one.key for one in world.effects if isinstance(one, StopProbe)]
            self.assertEqual([one.partition("/")[0] for one in stopped], ["health", "check"])
            self.assertIn(key, stopped)
            world.told()
            world.found(500)
            self.assertEqual(world.health(), [])

    def test_flood(self) -> None:
        """While nobody acknowledges, the newest finding takes the place of the last."""
        world = Checked().begin(health_check=http(consecutive_failures=10_000))
        for number in range(100):
            world.found(200 if number % 2 else 500)
        self.assertEqual(len(world.task().pending), PENDING_MAX)
        self.assertIs(world.task().pending[-1].healthy, True)
        world.exit()
        self.assertIs(world.health()[-1], None)


class RestartTests(SynchronousTestCase):
    """An agent that comes back checks what still runs."""

    def test_again(self) -> None:
        """It begins again, without waiting longer than between two checks."""
        world = Checked().begin(health_check=http(delay_seconds=600.0)).again()
        _, spec = world.started_probe()
        self.assertEqual(spec.delay_s, 10.0)

    def test_health_is_remembered(self) -> None:
        """What was told before is not told again, and there is no second grace."""
        world = Checked().begin(health_check=http())
        world.found(200)
        world = world.again()
        world.found(200)
        self.assertEqual(world.health(), [])
        world.found(500)
        self.assertEqual(world.health(), [False])
        world = world.again(3)
        world.found(500)
        world.found(200)
        self.assertEqual(world.health(), [False, True])

    def test_grace_of_the_young(self) -> None:
        """A task of unknown health has its grace again."""
        world = Checked().begin(health_check=http()).again()
        world.found(500)
        self.assertEqual(world.health(), [])
        world.passed(10.1)
        world.found(500)
        self.assertEqual(world.health(), [False])

    def test_ending(self) -> None:
        """A task that was being ended is not checked, and its end says why all the same."""
        world = Checked().begin(health_check=http(consecutive_failures=1, grace_period_seconds=0.0))
        world.found(500)
        world = world.again()
        self.assertEqual([e for e in world.effects if isinstance(e, StartProbe)], [])
        world.exit(status=15)
        (end,) = world.told()
        self.assertIn("Killed because its health check failed once", end.message or "")
        self.assertIs(end.healthy, False)
