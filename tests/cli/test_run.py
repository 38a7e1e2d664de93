"""What ``mesostw run`` makes of its command line, and how it tells progress."""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.cluster import ClusterError
from mesostw.cli.main import parser
from mesostw.cli.run import Progress, command_of, need_of, uri_of
from mesostw.client.commands import CommandRun
from mesostw.messages import URI, CommandInfo
from mesostw.model.resources import Resources
from mesostw.model.tasks import TaskState


class CommandLineTests(SynchronousTestCase):
    """The words after the options are the command, as they are."""

    def test_words(self) -> None:
        """Options end at the command; what follows belongs to it."""
        options = parser().parse_args(["run", "--instances", "3", "sleep", "-f", "5"])
        self.assertEqual((options.instances, options.words), (3, ["sleep", "-f", "5"]))

    def test_shell_or_program(self) -> None:
        """One word goes to a shell; several are a program with its arguments."""
        self.assertEqual(command_of(["a | b"], [], None), CommandInfo(value="a | b"))
        self.assertEqual(
            command_of(["wc", "-w"], [], None),
            CommandInfo(shell=False, value="wc", arguments=("wc", "-w")),
        )

    def test_fetched(self) -> None:
        """Words after a URI say what becomes of it; other commas are part of it."""
        options = parser().parse_args(["run", "--fetch", "/a,cache", "--fetch", "/b", "true"])
        command = command_of(options.words, options.env, None, options.fetch)
        self.assertEqual([uri.value for uri in command.uris], ["/a", "/b"])
        self.assertEqual([uri.cache for uri in command.uris], [True, False])
        self.assertEqual(
            uri_of("http://h/a,b.tgz,packed,executable"),
            URI(value="http://h/a,b.tgz", executable=True, extract=False, cache=False),
        )
        self.assertEqual(uri_of(",cache").value, ",cache")

    def test_bad_variable(self) -> None:
        """A variable without a value names itself and the fix."""
        fault = self.assertRaises(ClusterError, command_of, ["true"], ["A"], None)
        self.assertIn("--env 'A': give it as NAME=VALUE", str(fault))

    def test_need(self) -> None:
        """An amount of nothing is not asked for; a bad one is refused by name."""
        options = parser().parse_args(["run", "--cpus", "2", "true"])
        self.assertEqual(need_of(options), Resources.parse("cpus:2;mem:32"))
        options = parser().parse_args(["run", "--cpus", "-1", "true"])
        self.assertIn("cpus", str(self.assertRaises(ClusterError, need_of, options)))


class ProgressTests(SynchronousTestCase):
    """The line counts every instance exactly once."""

    def test_text(self) -> None:
        """Each state is under its heading."""

        class Canned(CommandRun):
            """A run whose states are given."""

            def states(self) -> Counter[TaskState]:
                return Counter(
                    {
                        TaskState.TASK_STAGING: 1,
                        TaskState.TASK_STARTING: 1,
                        TaskState.TASK_RUNNING: 3,
                        TaskState.TASK_FINISHED: 4,
                        TaskState.TASK_FAILED: 5,
                        TaskState.TASK_LOST: 6,
                        TaskState.TASK_KILLED: 7,
                    }
                )

        run = Canned("n", CommandInfo(), 2, Resources.parse("cpus:1"), print, print)
        self.assertEqual(
            Progress(run, quiet=False).text(),
            "2 waiting, 2 staging, 3 running, 4 finished, 11 failed, 7 killed",
        )
