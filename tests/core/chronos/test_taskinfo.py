"""A run as the task that a master is asked to launch."""

from typing import Any

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.taskinfo import task_id_of, task_of
from mesostw.messages.commands import CommandInfo
from mesostw.messages.tasks import TaskInfo
from mesostw.model.ids import AgentId, TaskId
from mesostw.model.jobs import NAME_CHARS_MAX, Fetch, JobName, RunId
from tests.core.chronos.builders import run, spec


def _task(**fields: Any) -> TaskInfo:
    one = replace(spec("a"), **fields)
    return task_of(one, run(1), TaskId("t"), AgentId("S1"), "n1", (), "root")


def _command(**fields: Any) -> CommandInfo:
    command = _task(**fields).command
    assert command is not None
    return command


class IdTests(SynchronousTestCase):
    """Ids of tasks, which tools of others read."""

    def test_parts(self) -> None:
        """It has the instant, the attempt, the name and the run, in Chronos' order."""
        one = replace(run(1), job=JobName("b b#"), attempt=2)
        self.assertEqual(
            task_id_of(one, 3), f"ct:{one.instant}:2:b_b_:{one.id}.3", "characters are replaced"
        )

    def test_length(self) -> None:
        """The longest name has room in 200 characters."""
        name = JobName("x" * NAME_CHARS_MAX)
        uuid = RunId("00000000-0000-0001-0000-000000000001")
        self.assertLess(len(task_id_of(replace(run(1), job=name, id=uuid), 10)), 200)


class CommandTests(SynchronousTestCase):
    """What is run."""

    def test_shell(self) -> None:
        """Arguments are put behind a line for the shell, as they are."""
        command = _command(command="echo", arguments=("a b", "$X"))
        self.assertEqual((command.shell, command.value), (True, "echo a b $X"))
        self.assertEqual((command.arguments, command.user), ((), "root"))

    def test_program(self) -> None:
        """Without a shell each argument is one, behind the name of the program."""
        command = _command(command="/bin/echo", shell=False, arguments=("a b",), run_as_user="me")
        self.assertEqual((command.shell, command.value), (False, "/bin/echo"))
        self.assertEqual((command.arguments, command.user), (("/bin/echo", "a b"), "me"))

    def test_url(self) -> None:
        """A command that is a URL is fetched, and run by its name."""
        command = _command(command="http://h/x/run.sh?v=1", uris=("http://h/other",))
        self.assertEqual(command.value, '"./run.sh"')
        (uri,) = command.uris
        self.assertEqual((uri.value, uri.executable), ("http://h/x/run.sh?v=1", True))
        self.assertEqual(_command(command="httpd -x").value, "httpd -x")

    def test_fetched(self) -> None:
        """Files are fetched once, as their full description says."""
        fetch = Fetch(uri="http://h/a", output_file="b", extract=False, cache=True)
        command = _command(fetch=(fetch,), uris=("http://h/a", "http://h/c"))
        self.assertEqual([one.value for one in command.uris], ["http://h/a", "http://h/c"])
        first = command.uris[0]
        self.assertEqual((first.output_file, first.extract, first.cache), ("b", False, True))

    def test_variables(self) -> None:
        """A job's variables are there, but what Chronos says cannot be said otherwise."""
        command = _command(
            environment_variables=(("A", "1"), ("CHRONOS_JOB_NAME", "no")), owner="o@h"
        )
        assert command.environment is not None
        found = {one.name: one.value for one in command.environment.variables}
        expected = {
            "A": "1",
            "CHRONOS_JOB_NAME": "a",
            "CHRONOS_JOB_OWNER": "o@h",
            "CHRONOS_JOB_RUN_TIME": str(run(1).instant),
            "CHRONOS_JOB_RUN_ATTEMPT": "0",
            "CHRONOS_RESOURCE_CPU": "0.1",
            "CHRONOS_RESOURCE_MEM": "128.0",
            "CHRONOS_RESOURCE_DISK": "256.0",
            "CHRONOS_RUN_ID": run(1).id,
            "CHRONOS_PARENT_RUNS": "",
            "mesos_task_id": "t",
            "MESOS_TASK_ID": "t",
            "HOST": "n1",
        }
        self.assertEqual(found, expected)


class ExecutorTests(SynchronousTestCase):
    """Jobs that have an executor of their own."""

    def test_data(self) -> None:
        """The executor has the job's name, and is told its flags and command, or its data."""
        task = _task(executor="/opt/x", executor_flags="-v", command="go")
        assert task.executor is not None
        assert task.executor.command is not None
        self.assertIsNone(task.command)
        self.assertEqual(task.executor.executor_id.value, "a")
        self.assertEqual(task.executor.command.value, "/opt/x")
        self.assertEqual(task.data, b"-v|go")
        self.assertEqual(_task(executor="/opt/x", task_info_data="d").data, b"d")
