"""Crontabs: what each line becomes, and that the same text becomes the same jobs."""

from __future__ import annotations

import subprocess
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.cli.crontab import Crontab, read

TAB = """
# what this machine does
MAILTO=ops@example.org,night@example.org
PATH = "/usr/local/bin:/usr/bin:/bin"

*/5 * * * * /usr/local/bin/poll --quick >/dev/null 2>&1
@daily backup /home
@reboot /sbin/warm-up
1 2 3 *
CRON_TZ=Europe/Berlin
SHELL=/bin/bash
MAILTO=""
0 9 * * 1-5 cat > /tmp/out%first line%second \\% line
"""


def tab(text: str, *, is_system: bool = False) -> Crontab:
    """A crontab of somebody in UTC."""
    return read(text, is_system=is_system, user="ann", zone="UTC")


class CrontabTests(SynchronousTestCase):
    """Lines, settings and what is refused."""

    def job(self, text: str, **how: bool) -> dict[str, Any]:
        """The only job of a text."""
        (found,) = tab(text, **how).jobs
        return found

    def test_lines(self) -> None:
        """Each line has its times, its command, its user and what was set above it."""
        poll, backup, report = tab(TAB).jobs
        self.assertEqual(poll["cron"], "*/5 * * * *")
        self.assertEqual(poll["command"], "/usr/local/bin/poll --quick >/dev/null 2>&1")
        self.assertEqual(poll["owner"], "ops@example.org,night@example.org")
        self.assertEqual(
            poll["environmentVariables"],
            [{"name": "PATH", "value": "/usr/local/bin:/usr/bin:/bin"}],
        )
        self.assertEqual((poll["runAsUser"], poll["scheduleTimeZone"]), ("ann", "UTC"))
        self.assertTrue(poll["name"].startswith("poll-"))
        self.assertEqual(backup["cron"], "@daily")
        self.assertTrue(report["command"].startswith("exec /bin/bash -c "))
        self.assertEqual((report["owner"], report["scheduleTimeZone"]), ("", "Europe/Berlin"))

    def test_refused_by_line(self) -> None:
        """What cannot be a job says its line and why; the others go on."""
        refused = tab(TAB).refused
        self.assertEqual([one.line for one in refused], [8, 9])
        self.assertIn("boot", refused[0].why)
        self.assertIn("five fields", refused[1].why)

    def test_standard_input(self) -> None:
        """The shell gets after the first percent sign what cron gives on standard input."""
        command = self.job("0 0 * * * cat%one%two's \\% %")["command"]
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True)
        self.assertEqual(done.stdout, b"one\ntwo's % \n")
        self.assertEqual(self.job("0 0 * * * date +\\%s")["command"], "date +%s")

    def test_system_format(self) -> None:
        """A user stands between times and command."""
        found = self.job("17 * * * *  root  run-parts --report /etc/cron.hourly", is_system=True)
        self.assertEqual(found["runAsUser"], "root")
        self.assertEqual(found["command"], "run-parts --report /etc/cron.hourly")
        (refused,) = tab("17 * * * * root", is_system=True).refused
        self.assertIn("a user", refused.why)

    def test_one_job_of_several_lines(self) -> None:
        """Lines that differ only in their times are one job."""
        found = self.job("0 8 * * * sync-mail\n30 20 * * 6 sync-mail\n0 8 * * * sync-mail\n")
        self.assertEqual(found["cron"], ["0 8 * * *", "30 20 * * 6"])

    def test_names(self) -> None:
        """A name depends on its line only, and two lines never share one."""
        before = [one["name"] for one in tab("0 1 * * * a\n0 2 * * * b\n").jobs]
        after = [one["name"] for one in tab("0 5 * * * new\n0 7 * * * b\n0 1 * * * a\n").jobs]
        self.assertEqual(set(before) - set(after), set())
        both = tab("0 1 * * * a\nX=1\n0 1 * * * a\n").jobs
        self.assertEqual(len({one["name"] for one in both}), 2)
        for job in tab(TAB).jobs:
            self.assertRegex(job["name"], r"\A[\w.-]+\Z")

    def test_unknown_names_of_times(self) -> None:
        """A name of times that cron does not have is refused with those that it has."""
        (refused,) = tab("@fortnightly x").refused
        self.assertIn("@weekly", refused.why)
        (refused,) = tab("0 25 * * * x").refused
        self.assertIn("25", refused.why + refused.text)
