"""An instance as the task that a master is asked to launch."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.taskinfo import mould_of, name_of, task_of
from mesostw.messages import health as checks
from mesostw.messages.commands import URI, CommandInfo
from mesostw.messages.convert import messages_of
from mesostw.messages.networks import NetworkProtocol
from mesostw.messages.tasks import Port, TaskInfo, Visibility
from mesostw.messages.values import DurationInfo, Label, Labels
from mesostw.model.apps import (
    Check,
    CheckCommand,
    CheckExec,
    CheckHttp,
    CheckProtocol,
    CheckTcp,
    Fetch,
    HealthCheck,
    IpProtocol,
    PortDefinition,
    Protocol,
    ShellCommand,
)
from mesostw.model.resources import Resources
from tests.core.marathon.builders import app, instance

PORTS = (31_000, 31_001)


def task(app_id: str = "/shop/db", ports: tuple[int, ...] = PORTS, **spec: Any) -> TaskInfo:
    """The task of the first instance of an app with two ports."""
    definitions = tuple(PortDefinition() for _ in ports)
    one = app(app_id, **{"port_definitions": definitions, **spec})
    made = instance(one, ports=ports)
    return task_of(mould_of(one, "", None), made, messages_of(Resources.parse("cpus:1"), "*"))


class CommandTests(SynchronousTestCase):
    """What is run."""

    def test_shell(self) -> None:
        """``cmd`` is a line for a shell."""
        command = task(cmd="echo $HOST", user="nobody").command
        assert command is not None
        self.assertEqual(
            (command.shell, command.value, command.arguments, command.user),
            (True, "echo $HOST", (), "nobody"),
        )

    def test_argv(self) -> None:
        """``args`` are a program and its arguments, without a shell."""
        command = task(cmd=None, args=("/bin/echo", "a b")).command
        assert command is not None
        self.assertEqual(
            (command.shell, command.value, command.arguments),
            (False, "/bin/echo", ("/bin/echo", "a b")),
        )

    def test_environment(self) -> None:
        """The variables of the instance are in the command."""
        command = task(env={"A": "1"}).command
        assert command is not None and command.environment is not None
        variables = {one.name: one.value for one in command.environment.variables}
        self.assertEqual((variables["A"], variables["PORT1"]), ("1", "31001"))
        self.assertEqual(variables["MARATHON_APP_ID"], "/shop/db")

    def test_fetch(self) -> None:
        """Files are fetched as the app says."""
        fetch = Fetch(
            uri="http://h/x.tgz", extract=False, executable=True, cache=True, dest_path="x"
        )
        command = task(fetch=(fetch,)).command
        assert command is not None
        uri = URI(
            value="http://h/x.tgz", extract=False, executable=True, cache=True, output_file="x"
        )
        self.assertEqual(command.uris, (uri,))

    def test_custom_executor(self) -> None:
        """A custom executor is made executable and started; it is told the app."""
        one = task(executor="./my exec", cmd="serve")
        executor = one.executor
        assert executor is not None and executor.command is not None and one.data is not None
        self.assertIsNone(one.command)
        self.assertEqual(executor.executor_id.value, f"marathon-{one.task_id.value}")
        self.assertEqual(
            executor.command.value, "chmod ug+rx './my exec' && exec './my exec' serve"
        )
        self.assertEqual(json.loads(one.data)["id"], "/shop/db")

    def test_own_executor_by_name(self) -> None:
        """``//cmd`` names the agent's own executor."""
        self.assertIsNone(task(executor="//cmd").executor)


class NameTests(SynchronousTestCase):
    """How a task is called and found."""

    def test_name(self) -> None:
        """The path, the innermost first."""
        self.assertEqual([name_of("/shop/eu/db"), name_of("/db")], ["db.eu.shop", "db"])

    def test_discovery(self) -> None:
        """Frameworks find ports by name, protocol and label."""
        discovery = task(
            port_definitions=(
                PortDefinition(name="dns", protocol=Protocol.BOTH, labels={"VIP_0": "a:1"}),
                PortDefinition(),
            )
        ).discovery
        assert discovery is not None and discovery.ports is not None
        self.assertEqual((discovery.visibility, discovery.name), (Visibility.FRAMEWORK, "db.shop"))
        labels = Labels(labels=(Label(key="VIP_0", value="a:1"),))
        self.assertEqual(
            discovery.ports.ports,
            (
                Port(number=31_000, name="dns", protocol="udp", labels=labels),
                Port(number=31_000, name="dns", protocol="tcp", labels=labels),
                Port(number=31_001, protocol="tcp"),
            ),
        )

    def test_labels(self) -> None:
        """An app's labels are its tasks'; none is no list."""
        labelled = task(labels={"a": "b"})
        self.assertEqual(labelled.labels, Labels(labels=(Label(key="a", value="b"),)))
        self.assertIsNone(task().labels)

    def test_kill_policy(self) -> None:
        """The grace of a kill is told, if the app has one."""
        policy = task(task_kill_grace_period_seconds=7).kill_policy
        grace = DurationInfo(nanoseconds=7_000_000_000)
        self.assertEqual(policy, checks.KillPolicy(grace_period=grace))
        self.assertIsNone(task().kill_policy)


class CheckTests(SynchronousTestCase):
    """What the agent checks."""

    def test_health_checks(self) -> None:
        """Checks of the agent's kinds are its own, with the port that they name."""
        for check, kind, port, more in (
            (HealthCheck(protocol=CheckProtocol.MESOS_TCP), "TCP", 31_000, None),
            (HealthCheck(protocol=CheckProtocol.MESOS_TCP, port=99), "TCP", 99, None),
            (
                HealthCheck(protocol=CheckProtocol.MESOS_HTTP, port_index=1, path="/h"),
                "HTTP",
                31_001,
                ("http", "/h"),
            ),
            (HealthCheck(protocol=CheckProtocol.MESOS_HTTPS), "HTTP", 31_000, ("https", None)),
        ):
            found = task(health_checks=(check,)).health_check
            assert found is not None and found.type is not None
            self.assertEqual(found.type.value, kind)
            part = found.tcp or found.http
            assert part is not None
            self.assertEqual(part.port, port)
            if found.http is not None:
                self.assertEqual((found.http.scheme, found.http.path), more)

    def test_times(self) -> None:
        """Times, failures and the protocol are those of the app."""
        check = HealthCheck(
            protocol=CheckProtocol.MESOS_TCP,
            grace_period_seconds=1,
            interval_seconds=2,
            timeout_seconds=3,
            max_consecutive_failures=4,
            delay_seconds=5,
            ip_protocol=IpProtocol.IPV6,
        )
        found = task(health_checks=(check,)).health_check
        self.assertEqual(
            found,
            checks.HealthCheck(
                grace_period_seconds=1.0,
                interval_seconds=2.0,
                timeout_seconds=3.0,
                consecutive_failures=4,
                delay_seconds=5.0,
                type=checks.HealthCheckType.TCP,
                tcp=checks.TCPCheckInfo(protocol=NetworkProtocol.IPv6, port=31_000),
            ),
        )

    def test_command(self) -> None:
        """A command is a shell's line."""
        check = HealthCheck(protocol=CheckProtocol.COMMAND, command=CheckCommand(value="true"))
        found = task(health_checks=(check,)).health_check
        assert found is not None
        self.assertEqual(found.command, CommandInfo(value="true"))

    def test_marathons_own(self) -> None:
        """What Marathon checks itself is not the agent's."""
        self.assertIsNone(task(health_checks=(HealthCheck(),)).health_check)

    def test_general_checks(self) -> None:
        """A general check is one of three kinds."""
        argv = CommandInfo(shell=False, value="/bin/t", arguments=("/bin/t", "x"))
        shell = ShellCommand(shell="true")
        for check, part in (
            (Check(tcp=CheckTcp(port_index=1)), checks.CheckTcp(port=31_001)),
            (Check(http=CheckHttp(port=9, path="/p")), checks.CheckHttp(port=9, path="/p")),
            (
                Check(exec=CheckExec(command=shell)),
                checks.CheckCommand(command=CommandInfo(value="true")),
            ),
            (
                Check(exec=CheckExec(command=ShellCommand(argv=("/bin/t", "x")))),
                checks.CheckCommand(command=argv),
            ),
        ):
            found = task(check=check).check
            assert found is not None
            self.assertEqual(found.tcp or found.http or found.command, part)
            self.assertEqual((found.interval_seconds, found.delay_seconds), (60.0, 15.0))
