"""Marathon's flags: the original's names and units, and what is refused."""

from __future__ import annotations

from typing import ClassVar

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.daemons.marathon import Options
from mesostw.daemons.marathon_flags import core_flags

NEEDED = ("--master=m:5050", "--work_dir=/tmp/x")
#: With 0 each of them would stop everything, or never let it rest.
ABOVE_0 = (
    "launch_token_refresh_interval",
    "launch_tokens",
    "max_concurrent_marathon_health_checks",
    "max_instances_per_offer",
    "max_running_deployments",
    "reconciliation_interval",
    "scale_apps_interval",
    "task_launch_confirm_timeout",
    "task_launch_timeout",
    "task_lost_expunge_interval",
    "zk_max_versions",
)


class Quiet(Options):
    """Options that no variable of the tester's reaches."""

    environment: ClassVar = {"MARATHON_SCALE_APPS_INTERVAL": "60000"}


def options(*words: str) -> Quiet:
    """What a command line comes to."""
    found = Quiet()
    found.parseOptions([*NEEDED, *words])
    return found


class MarathonFlagsTests(SynchronousTestCase):
    """What the core is told."""

    def test_defaults(self) -> None:
        """Without flags the core has its own defaults, which are the original's."""
        told = core_flags(options("--scale_apps_interval=300000"))
        self.assertEqual(told, MarathonFlags(default_accepted_resource_roles="any"))

    def test_units(self) -> None:
        """The original's milliseconds are seconds in the core; the environment says them too."""
        told = core_flags(options("--scale_apps_initial_delay=1500"))
        self.assertEqual(told.scale_apps_initial_delay_s, 1.5)
        self.assertEqual(told.scale_apps_interval_s, 60.0)

    def test_nothing_is_refused(self) -> None:
        """0 is refused where it would stop everything, with what to give instead."""
        for name in ABOVE_0:
            with self.assertRaises(usage.UsageError) as caught:
                options(f"--{name}=0")
            self.assertIn(name, str(caught.exception))
            self.assertIn("above 0", str(caught.exception))

    def test_secrets_are_not_shown(self) -> None:
        """Credentials are in no answer."""
        self.assertNotIn("http_credentials", options("--http_credentials=me:geheim").shown())
