"""Checks by commands, checks that only tell, and which checks make sense."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.containers import (
    ContainerExited,
    ContainerFailed,
)
from mesostw.core.agent.support import invalid, unsupported
from mesostw.core.agent.watches import Purpose, key_of
from mesostw.core.agent.words import CheckDue, CheckLate, ForgetContainer, KillContainer
from mesostw.core.probes import Probed, StartProbe
from mesostw.messages import URI
from mesostw.messages.commands import CommandInfo, Environment, Variable
from mesostw.messages.health import (
    CheckCommand,
    CheckInfo,
    CheckStatusCommand,
    CheckStatusHttp,
    CheckStatusInfo,
    CheckStatusTcp,
    CheckTcp,
    CheckType,
    HealthCheck,
    HealthCheckType,
    HTTPCheckInfo,
)
from mesostw.messages.tasks import TaskState, TaskStatusReason
from tests.core.agent.builders import AGENT_ID, command_task
from tests.core.agent.checked import Checked, by_command, check, http

S = TaskState
R = TaskStatusReason


class CommandTests(SynchronousTestCase):
    """Commands, each in a container of its own."""

    def begin(self, **others: Any) -> Checked:
        fields = {"grace_period_seconds": 0.0, "delay_seconds": 1.0, **others}
        return Checked().begin(health_check=by_command(**fields))

    def test_spec(self) -> None:
        """It runs where the task does and as it does, and its output goes nowhere."""
        variables = (Variable(name="A", value="2"), Variable(name="B", value="3"))
        command = CommandInfo(
            value="/bin/test",
            shell=False,
            arguments=("test", "x"),
            environment=Environment(variables=variables),
        )
        own = CommandInfo(
            value="serve", environment=Environment(variables=(Variable(name="A", value="1"),))
        )
        world = Checked().begin(
            health_check=by_command(command=command, delay_seconds=1.0), command=own
        )
        world.passed(1.1)
        spec = world.run_of_check()
        task = world.task()
        self.assertNotEqual(spec.container_id, task.container_id)
        self.assertEqual((spec.directory, spec.user), (task.directory, task.user))
        self.assertEqual((spec.executable, spec.argv), ("/bin/test", ("test", "x")))
        self.assertEqual((spec.environment["A"], spec.environment["B"]), ("2", "3"))
        self.assertEqual(spec.environment["MESOS_SANDBOX"], task.directory)
        self.assertEqual((spec.stdout, spec.stderr), ("/dev/null", "/dev/null"))

    def test_findings(self) -> None:
        """Exit status 0 is health; each end is forgotten, and then comes the interval."""
        world = self.begin()
        delay_s = 1.0
        for end, told, words in (
            (0, [True], ""),
            (0, [], ""),
            (3 << 8, [False], "Unhealthy: exit status 3"),
            (9, [False], "Unhealthy: the command ended by signal 9"),
        ):
            world.passed(delay_s - 0.1)
            self.assertEqual(world.launched(), [])
            world.passed(0.2)
            spec = world.run_of_check()
            world.hear(ContainerExited(spec.container_id, end, ""))
            late = CheckLate(key_of(Purpose.HEALTH, world.task().container_id))
            self.assertNotIn(late, world.timers)
            self.assertIn(ForgetContainer(spec.container_id), world.effects)
            statuses = world.told()
            self.assertEqual([status.healthy for status in statuses], told)
            if words:
                self.assertEqual(statuses[-1].message, words)
            delay_s = 10.0
        self.assertEqual(world.signals(), [])

    def test_cannot_run(self) -> None:
        """A command that cannot be run, or whose end is unknown, is a failure in words."""
        world = self.begin(interval_seconds=1.0)
        world.passed(1.1)
        (spec,) = world.launched()
        world.hear(ContainerFailed(spec.container_id, "EXECUTABLE", "no such program"))
        (status,) = world.told()
        self.assertIn("could not be run: no such program", status.message or "")
        world.passed(1.1)
        world.hear(ContainerExited(world.run_of_check().container_id, None, "lost"))
        (status,) = world.told()
        self.assertIn("end is unknown: lost", status.message or "")

    def test_timeout(self) -> None:
        """One that takes too long is killed and counts once; the next waits for its end."""
        world = self.begin(timeout_seconds=5.0)
        world.passed(1.1)
        spec = world.run_of_check()
        world.passed(5.1)
        self.assertIn(KillContainer(spec.container_id, 9), world.effects)
        (status,) = world.told()
        self.assertEqual(status.message, "Unhealthy: timeout after 5 s")
        world.passed(60.0)
        self.assertEqual(world.launched(), [])
        world.hear(ContainerExited(spec.container_id, 9, ""))
        self.assertEqual(world.health(), [])
        world.passed(10.1)
        world.run_of_check()

    def test_no_timeout(self) -> None:
        """A timeout of 0 waits for ever."""
        world = self.begin(timeout_seconds=0.0)
        world.passed(1.1)
        world.run_of_check()
        world.passed(100_000.0)
        self.assertEqual(world.signals(), [])

    def test_ends_with_the_task(self) -> None:
        """A command that runs when its task ends is killed, and its end is forgotten."""
        world = self.begin()
        world.passed(1.1)
        spec = world.run_of_check()
        world.exit()
        self.assertEqual([one.state for one in world.told()], [S.TASK_FINISHED])
        self.assertIn(KillContainer(spec.container_id, 9), world.effects)
        world.hear(ContainerExited(spec.container_id, 9, ""))
        self.assertIn(ForgetContainer(spec.container_id), world.effects)
        world.passed(100.0)
        self.assertEqual(world.launched(), [])

    def test_waits_when_the_task_ends(self) -> None:
        """A command that was to be run soon is not."""
        world = self.begin()
        world.kill()
        self.assertNotIn(CheckDue(key_of(Purpose.HEALTH, world.task().container_id)), world.timers)
        world.passed(2.0)
        self.assertEqual(world.launched(), [])

    def test_restart(self) -> None:
        """What ran when the agent ended is nobody's; the next is made in its time."""
        world = self.begin(interval_seconds=0.5)
        world.passed(1.1)
        old = world.run_of_check()
        world = world.again()
        world.hear(ContainerExited(old.container_id, 1 << 8, ""))
        self.assertEqual(world.health(), [])
        world.passed(0.6)
        self.assertNotEqual(world.run_of_check().container_id, old.container_id)


class CheckTests(SynchronousTestCase):
    """Checks that only tell."""

    def test_always_there(self) -> None:
        """Every status of a task with a check carries what it found last, if anything."""
        world = Checked()
        world.registered()
        world.run(command_task(check=check(CheckType.HTTP), health_check=http()))
        world.start()
        nothing = CheckStatusInfo(type=CheckType.HTTP, http=CheckStatusHttp())
        self.assertEqual([one.check_status for one in world.told()], [nothing, nothing])
        world.found(204)
        health, _ = (one.key for one in world.effects if isinstance(one, StartProbe))
        world.hear(Probed(key=health, status=200))
        world.exit()
        told = world.told()
        found = CheckStatusInfo(type=CheckType.HTTP, http=CheckStatusHttp(status_code=204))
        self.assertEqual([one.check_status for one in told], [found] * 3)
        self.assertEqual([one.healthy for one in told], [None, True, None])

    def test_changes(self) -> None:
        """A finding is told if it is another than before, and nobody is killed for it."""
        world = Checked().begin(check=check(CheckType.HTTP))
        for status, error, told in (
            (200, "", [200]),
            (200, "", []),
            (500, "", [500]),
            (None, "connection refused", [None]),
            (None, "timeout after 20 s", []),
            (200, "", [200]),
        ):
            world.found(status, error)
            statuses = world.told()
            codes = [one.check_status.http.status_code for one in statuses]  # type: ignore[union-attr]
            self.assertEqual(codes, told)
            for one in statuses:
                self.assertIs(one.reason, R.REASON_TASK_CHECK_STATUS_UPDATED)
                self.assertIs(one.state, S.TASK_RUNNING)
        self.assertEqual(world.signals(), [])

    def test_tcp(self) -> None:
        """Of a connection is told whether it could be made."""
        world = Checked().begin(check=check(CheckType.TCP))
        for error, succeeded in (("", True), ("connection refused", False)):
            world.found(None, error)
            (status,) = world.told()
            self.assertEqual(
                status.check_status,
                CheckStatusInfo(type=CheckType.TCP, tcp=CheckStatusTcp(succeeded=succeeded)),
            )

    def test_command(self) -> None:
        """Of a command is told its exit status, and nothing of a timeout but that."""
        world = Checked().begin(check=check(CheckType.COMMAND, delay_seconds=1.0))
        codes = []
        for end in (0, 7 << 8, 9):
            world.passed(10.1)
            world.hear(ContainerExited(world.run_of_check().container_id, end, ""))
            (status,) = world.told()
            assert status.check_status is not None
            codes.append(status.check_status.command)
        self.assertEqual(codes, [CheckStatusCommand(exit_code=code) for code in (0, 7, -9)])
        world.passed(10.1)
        world.run_of_check()
        world.passed(20.1)
        (status,) = world.told()
        assert status.check_status is not None
        self.assertEqual(status.check_status.command, CheckStatusCommand())


class RuleTests(SynchronousTestCase):
    """Which checks make sense."""

    def test_good(self) -> None:
        """What is complete is taken."""
        for task in (
            command_task(health_check=http(), check=check(CheckType.COMMAND)),
            command_task(health_check=by_command(timeout_seconds=0.0)),
            command_task(check=check(CheckType.TCP)),
        ):
            self.assertIs(invalid(task, AGENT_ID), None)
            self.assertIs(unsupported(task), None)

    def test_bad(self) -> None:
        """What is wrong with a check is said, with the field and the value."""
        kind = HealthCheckType
        for task, words in (
            ({"health_check": HealthCheck()}, "must specify 'type'"),
            ({"health_check": HealthCheck(type=kind.UNKNOWN)}, "must specify 'type'"),
            ({"health_check": HealthCheck(type=kind.HTTP)}, "Expecting 'http' to be set"),
            ({"health_check": HealthCheck(type=kind.TCP)}, "Expecting 'tcp' to be set"),
            ({"health_check": HealthCheck(type=kind.COMMAND)}, "Expecting 'command' to be set"),
            ({"health_check": by_command(command=CommandInfo())}, "Shell command is not specified"),
            ({"health_check": http(http=HTTPCheckInfo(port=0))}, "port 0"),
            ({"health_check": http(http=HTTPCheckInfo(port=65536))}, "port 65536"),
            ({"health_check": http(http=HTTPCheckInfo(port=1, path="x"))}, "path 'x'"),
            ({"health_check": http(http=HTTPCheckInfo(port=1, scheme="ftp"))}, "scheme: 'ftp'"),
            ({"health_check": http(grace_period_seconds=-1.0)}, "grace_period_seconds"),
            ({"health_check": http(interval_seconds=float("nan"))}, "interval_seconds"),
            ({"check": CheckInfo()}, "must specify 'type'"),
            ({"check": CheckInfo(type=CheckType.HTTP)}, "Expecting 'http' to be set"),
            ({"check": CheckInfo(type=CheckType.TCP, tcp=CheckTcp(port=0))}, "port 0"),
            ({"check": CheckInfo(type=CheckType.COMMAND)}, "Expecting 'command' to be set"),
            ({"check": check(CheckType.TCP, delay_seconds=-0.5)}, "delay_seconds"),
        ):
            fault = invalid(command_task(**task), AGENT_ID)
            self.assertIn(words, fault or "", task)

    def test_unsupported(self) -> None:
        """A check's command is held to what a task's own is, and fetches nothing."""
        fetching = CommandInfo(value="x", uris=(URI(value="http://u/x"),))
        task = command_task(health_check=by_command(command=fetching))
        self.assertIn("TaskInfo.health_check.command.uris", unsupported(task) or "")
        task = command_task(
            check=CheckInfo(type=CheckType.COMMAND, command=CheckCommand(command=fetching))
        )
        self.assertIn("TaskInfo.check.command.command.uris", unsupported(task) or "")
