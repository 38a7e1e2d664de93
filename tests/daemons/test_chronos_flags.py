"""Chronos' flags: the original's names and units, and what is refused."""

from __future__ import annotations

from typing import ClassVar

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.flags import ChronosFlags
from mesostw.daemons.chronos_flags import ABSENT, IDLE, Options, core_flags, idle
from mesostw.daemons.chronos_notices import routes_of

NEEDED = ("--master=m:5050", "--work_dir=/tmp/x")


class Quiet(Options):
    """Options that no variable of the tester's reaches."""

    environment: ClassVar = {"CHRONOS_FAILURE_RETRY": "1500"}


def options(*words: str) -> Quiet:
    """What a command line comes to."""
    found = Quiet()
    found.parseOptions([*NEEDED, *words])
    return found


class ChronosFlagsTests(SynchronousTestCase):
    """What twistd chronos accepts."""

    def test_defaults(self) -> None:
        """They are the original's; the environment gives what the command line does not."""
        flags = core_flags(options(), tells_owners=False)
        self.assertEqual(flags, ChronosFlags(failure_retry_s=1.5))
        self.assertEqual(options()["http_port"], 4400)
        self.assertEqual(options()["failover_timeout"], 604_800.0)

    def test_units(self) -> None:
        """Milliseconds and seconds are read as what they are in the original."""
        found = core_flags(
            options(
                "--failure_retry=250",
                "--reconciliation_interval=7",
                "--task_epsilon=9",
                "--decline_offer_duration=100",
                "--mesos_task_cpu=0.5",
            ),
            tells_owners=True,
        )
        self.assertEqual(
            (found.failure_retry_s, found.reconciliation_interval_s, found.task_epsilon_s),
            (0.25, 7.0, 9.0),
        )
        self.assertEqual((found.decline_offer_duration_s, found.mesos_task_cpu), (0.1, 0.5))
        self.assertTrue(found.tells_owners)

    def test_what_is_not_there_is_refused(self) -> None:
        """Each says what to do instead, and no word of it is taken silently."""
        for name in ABSENT:
            # What was given is repeated, unless it is a password.
            given = name if "password" in name else f"{name}=x"
            with self.assertRaisesRegex(usage.UsageError, f"--{given}: .*leave it out"):
                options(f"--{name}=x")

    def test_what_decides_nothing_is_told(self) -> None:
        """Those are accepted, and whoever gave them can be told why they do nothing."""
        found = idle(options("--cassandra_port=9042", "--schedule_horizon=60"))
        self.assertEqual(sorted(found), ["cassandra_port", "schedule_horizon"])
        self.assertEqual(idle(options()), {})
        self.assertFalse(set(IDLE) & set(ABSENT))

    def test_mail_needs_a_sender(self) -> None:
        """A mail server without an address to send from is refused at once."""
        with self.assertRaisesRegex(usage.UsageError, "mail_from"):
            options("--mail_server=localhost:2525")
        with self.assertRaisesRegex(usage.UsageError, "HOST:PORT"):
            options("--mail_server=localhost:0", "--mail_from=a@b")

    def test_owners_are_told_where_there_is_a_way(self) -> None:
        """Any channel is one; without any, no notices are made for owners."""
        self.assertFalse(routes_of(options()).tells_owners)
        for flag in (
            "--slack_url=https://s/",
            "--mattermost_url=https://m/",
            "--http_notification_url=http://n/",
        ):
            self.assertTrue(routes_of(options(flag)).tells_owners)
        mail = options("--mail_server=localhost", "--mail_from=a@b")
        self.assertTrue(routes_of(mail).tells_owners)
        self.assertEqual(mail["mail_server"], ("localhost", 25))

    def test_secrets_are_not_shown(self) -> None:
        """What /config tells has neither passwords nor URLs that are as good as one."""
        found = options(
            "--http_credentials=u:pw",
            "--slack_url=https://s/token",
            "--cassandra_password=pw",
            "--zk_auth=u:pw",
            "--user=nobody",
        ).shown()
        self.assertEqual(found["user"], "nobody")
        self.assertNotIn("http_credentials", found)
        self.assertNotIn("slack_url", found)
        self.assertNotIn("cassandra_password", found)
