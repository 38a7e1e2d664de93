"""An agent's flags, from the command line to its core."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.agent import Options, flags_of
from mesostw.daemons.detect import offered


class Given(Options):
    """Options that the environment of the tests cannot reach."""

    environment: ClassVar[dict[str, str]] = {"MESOS_PORT": "7"}


def parsed(*more: str) -> Given:
    """Options of an agent that says what it must."""
    options = Given()
    options.parseOptions(["--master=127.0.0.1:5050", "--work_dir=/w", *more])
    return options


class OptionsTests(SynchronousTestCase):
    """Names and defaults are those of Mesos."""

    def test_defaults(self) -> None:
        """Defaults are in their units; the environment is read."""
        options = parsed()
        resources = offered("cpus:1;mem:1;disk:1;ports:[1-2]", "*", "/")
        flags = flags_of(options, Path("/w"), options["port"], resources)
        self.assertEqual(flags.port, 7)
        self.assertEqual(flags.registration_backoff_s, 1.0)
        self.assertEqual(flags.executor_registration_timeout_s, 60.0)
        self.assertEqual(flags.executor_reregistration_timeout_s, 2.0)
        self.assertEqual(flags.recovery_timeout_s, 900.0)
        self.assertEqual(flags.hostname, "127.0.0.1")
        self.assertTrue(flags.switch_user)
        self.assertEqual(options["fetcher_cache_size"], 2 * 1024**3)
        self.assertEqual(options["fetcher_stall_timeout"], 60.0)

    def test_given(self) -> None:
        """What is given is read."""
        options = parsed(
            "--attributes=rack:a",
            "--no-switch_user",
            "--recover=cleanup",
            '--executor_environment_variables={"A": "b"}',
            "--registration_backoff_factor=10ms",
        )
        flags = flags_of(options, Path("/w"), 1, offered(None, "*", "/"))
        self.assertEqual([one.name for one in flags.attributes], ["rack"])
        self.assertFalse(flags.switch_user)
        self.assertEqual(flags.executor_environment, {"A": "b"})
        self.assertEqual(flags.registration_backoff_s, 0.01)
        self.assertEqual(flags.recover, "cleanup")

    def test_refused(self) -> None:
        """Wrong values are refused by the flag's name."""
        for wrong in (
            "--recover=never",
            "--port=70000",
            "--executor_environment_variables=[]",
            "--registration_backoff_factor=10",
            "--default_role=a b",
            "--master=zk://h:x/m",
            "--master=http://h:5050",
            "--master=nowhere",
            "--attributes=x",
            "--fetcher_cache_size=2",
            "--fetcher_stall_timeout=0secs",
        ):
            fault = self.assertRaises(usage.UsageError, parsed, wrong)
            self.assertIn(wrong.partition("=")[0], str(fault))

    def test_required(self) -> None:
        """An agent needs a master and a directory."""
        self.assertRaises(usage.UsageError, Given().parseOptions, [])
