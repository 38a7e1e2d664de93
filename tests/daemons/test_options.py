"""Flags come from the command line, else from the environment, else from their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.options import Flag, FlagOptions, boolean, count, duration, file_text, port


class Options(FlagOptions):
    """One flag of each kind."""

    flags: ClassVar[Sequence[Flag]] = (
        Flag("work_dir", "Where it works.", required=True),
        Flag("port", "Where it listens.", "5050", port),
        Flag("quick", "Whether it hurries.", "true", boolean),
        Flag("patience", "How long it waits.", "15secs", duration),
        Flag("agents", "How many.", None, count),
    )
    environment: ClassVar[Mapping[str, str]] = {}


def parsed(*words: str, **environment: str) -> Options:
    """What is understood of a command line and an environment."""

    class Here(Options):
        """The same flags in an environment of the test's."""

    Here.environment = environment
    options = Here()
    options.parseOptions(words)
    return options


class FlagOptionsTests(SynchronousTestCase):
    """Every flag is read once, by its own rule."""

    def test_defaults(self) -> None:
        """What is not given has its default, read like any text; without one it is unset."""
        options = parsed("--work_dir=/w")
        self.assertEqual((options["port"], options["quick"]), (5050, True))
        self.assertEqual((options["patience"], options["agents"]), (15.0, None))

    def test_environment(self) -> None:
        """The environment counts where the command line is silent."""
        options = parsed("--port", "1", MESOS_PORT="2", MESOS_WORK_DIR="/w")
        self.assertEqual((options["port"], options["work_dir"]), (1, "/w"))

    def test_no(self) -> None:
        """A boolean is unset by its own name with ``no-`` before it."""
        self.assertEqual(parsed("--work_dir=/w", "--no-quick")["quick"], False)
        self.assertEqual(parsed("--work_dir=/w", "--quick=false")["quick"], False)

    def test_required(self) -> None:
        """A flag that must be given says so, and what it is for."""
        fault = self.assertRaises(usage.UsageError, parsed)
        self.assertEqual(str(fault), "--work_dir must be given: Where it works.")

    def test_bad_values(self) -> None:
        """A refusal names the flag, the value and the fix, wherever the value came from."""
        for words, environment, expected in (
            (("--port=x",), {}, "--port=x: give a port from 0 to 65535"),
            (("--port=70000",), {}, "--port=70000: give a port from 0 to 65535"),
            ((), {"MESOS_AGENTS": "-1"}, "MESOS_AGENTS=-1: give a whole number"),
            (("--quick=maybe",), {}, "--quick=maybe: give true or false"),
        ):
            fault = self.assertRaises(
                usage.UsageError, parsed, "--work_dir=/w", *words, **environment
            )
            self.assertEqual(str(fault), expected)
        fault = self.assertRaises(usage.UsageError, parsed, "--work_dir=/w", "--patience=15")
        self.assertIn("--patience=15", str(fault))

    def test_shown(self) -> None:
        """Set flags are shown as one would type them."""
        self.assertEqual(
            parsed("--work_dir=/w").shown(),
            {"work_dir": "/w", "port": "5050", "quick": "true", "patience": "15secs"},
        )

    def test_help(self) -> None:
        """The help tells each default, and what must be given."""
        text = Options().getUsage(width=200)
        self.assertIn("(default: 5050)", text)
        self.assertIn("(required)", text)

    def test_files(self) -> None:
        """A long text may stand in a file; one that cannot be read says why."""
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write("cpus:1")
        self.assertEqual(file_text("cpus:2"), "cpus:2")
        fault = self.assertRaises(ValueError, file_text, "/nowhere/at/all")
        self.assertIn("No such file", str(fault))
