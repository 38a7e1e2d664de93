"""Chronos as a process among others: killed in the middle, it goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.local_parts import free_ports, twistd
from tests.functional.clusters import LocalCluster, wait_until


class ChronosProcess:
    """``twistd chronos`` on a cluster of others, with a directory and a port that stay its own."""

    def __init__(self, cluster: LocalCluster, *flags: str) -> None:
        (port,) = free_ports("127.0.0.1", 1)
        self.address = f"127.0.0.1:{port}"
        self._cluster = cluster
        self.log = cluster.directory / "chronos.log"
        self.command = twistd(
            "--logfile=-",
            "chronos",
            f"--master={cluster.master}",
            f"--http_port={port}",
            f"--work_dir={cluster.directory / 'chronos'}",
            "--user=" + os.environ.get("USER", "root"),
            "--failure_retry=100",
            *flags,
        )
        self.start()

    def start(self) -> None:
        """Start it, and wait until a master knows it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT)
        wait_until("Chronos", self._is_known)

    def _is_known(self) -> bool:
        if self.process.poll() is not None:
            text = self.log.read_text(errors="replace")[-4000:]
            raise AssertionError(f"Chronos ended with {self.process.returncode}:\n{text}")
        try:
            return bool(self._cluster.get("/v1/chronos/info", self.address)["frameworkId"])
        except OSError:
            return False

    def kill(self) -> None:
        """As a machine that loses power."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it as an operator does; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)

    def job(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``mesostw job``, asking this Chronos."""
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "mesostw.cli",
                "--master",
                self._cluster.master,
                "job",
                *words[:1],
                "--chronos",
                self.address,
                *words[1:],
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def runs(self, name: str) -> list[dict[str, Any]]:
        """A job's runs, the newest first."""
        found: list[dict[str, Any]] = self._cluster.get(
            f"/v1/chronos/jobs/{name}/runs", self.address
        )["runs"]
        return found


class Hearing(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    calls: ClassVar[list[tuple[dict[str, str], Any]]] = []

    def do_POST(self) -> None:
        """Take it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        names = {name.lower(): value for name, value in self.headers.items()}
        self.calls.append((names, json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing of it."""


class ChronosDaemonTests(SynchronousTestCase):
    """A daemon that is killed, stopped and started again."""

    def setUp(self) -> None:
        self.cluster = LocalCluster(1)
        self.addCleanup(self.cluster.stop)
        self.chronos = ChronosProcess(self.cluster)
        self.addCleanup(self.chronos.stop)

    def assert_done(self, done: subprocess.CompletedProcess[str], status: int = 0) -> str:
        """A command of the command line did what it says."""
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_killed_between(self) -> None:
        """
        A run that goes on while Chronos is dead is heard of, once, by its next life.

        The instants that passed meanwhile are served by one run.
        """
        mark = self.cluster.directory / "mark"
        command = f"echo $CHRONOS_RUN_ID >> {mark}; sleep 3"
        self.assert_done(
            self.chronos.job("add", "tick", "-c", command, "--schedule", "R3//PT2S", "--cpus=0.1")
        )
        wait_until("the first run", lambda: mark.exists() and mark.read_text())
        self.chronos.kill()
        time.sleep(4.5)
        self.chronos.start()
        wait_until("the end", lambda: "finished" in self.chronos.job("show", "tick").stdout)
        runs = self.chronos.runs("tick")
        ended = [one["id"] for one in runs if one["state"] == "succeeded"]
        self.assertEqual(sorted(mark.read_text().split()), sorted(ended))
        merged = sum(one.get("skipped", 0) for one in runs if one["state"] == "skipped")
        self.assertEqual(len(ended) + merged, 3)

    def test_stopped_by_an_operator(self) -> None:
        """It ends well, keeps what it knows, and its framework's id with that."""
        self.assert_done(self.chronos.job("add", "a", "-c", "true", "--cron", "0 0 1 1 *"))
        before = self.cluster.get("/v1/chronos/info", self.chronos.address)
        # twistd ends by the signal that it was sent, once all has stopped.
        self.assertEqual(self.chronos.stop(), -signal.SIGTERM)
        self.chronos.start()
        after = self.cluster.get("/v1/chronos/info", self.chronos.address)
        self.assertEqual(after["frameworkId"], before["frameworkId"])
        self.assertEqual(after["life"], before["life"] + 1)
        self.assertIn("cron 0 0 1 1 *", self.chronos.job("list").stdout)

    def test_one_directory_one_chronos(self) -> None:
        """A second one that is given the same directory does not even begin."""
        done = subprocess.run(
            self.chronos.command, capture_output=True, text=True, timeout=60, check=False
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("another daemon works in this directory", done.stdout + done.stderr)

    def test_command_line(self) -> None:
        """A run that is waited for gives its exit status; what it printed can be read."""
        far = ("--schedule", "R/2099-01-01T00:00:00Z/P1D", "--cpus=0.1", "--retries=0")
        self.assert_done(self.chronos.job("add", "bad", "-c", "echo said; exit 3", *far))
        self.assert_done(self.chronos.job("run", "bad", "--wait"), 3)
        self.assertEqual(self.assert_done(self.chronos.job("logs", "bad")), "said\n")
        self.assert_done(self.chronos.job("edit", "bad", "command=echo $X"))
        self.assert_done(self.chronos.job("run", "bad", "-e", "X=given", "--wait"))
        self.assertEqual(self.assert_done(self.chronos.job("logs", "bad")), "given\n")
        self.assertIn("failed", self.assert_done(self.chronos.job("history", "bad")))
        self.assert_done(self.chronos.job("add", "bad", "-c", "true", *far), 1)
        self.assert_done(self.chronos.job("remove", "bad"))
        self.assert_done(self.chronos.job("show", "bad"), 1)

    def test_steering(self) -> None:
        """Past instants can be served, what runs can be ended, and everything can be paused."""
        past = ("--schedule", "R/2026-01-01T00:00:00Z/P1D", "--cpus=0.1")
        self.assert_done(self.chronos.job("add", "past", "-c", "sleep 100", *past))
        wait_until("the late run", lambda: self.states("past").count("running") == 1)
        self.assert_done(self.chronos.job("kill", "past"))
        wait_until("its end", lambda: "killed" in self.states("past"))
        days = ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z")
        planned = self.assert_done(self.chronos.job("backfill", "past", *days, "--dry-run"))
        self.assertEqual(len(planned.split()), 2)

        self.assert_done(self.chronos.job("pause", "a good reason"))
        self.assert_done(self.chronos.job("edit", "past", "command=true"))
        self.assert_done(self.chronos.job("backfill", "past", *days))
        self.assertIn("paused", self.assert_done(self.chronos.job("why", "past")))
        self.assertEqual(self.states("past").count("waiting"), 2)
        self.assert_done(self.chronos.job("resume"))
        wait_until("both", lambda: self.states("past").count("succeeded") == 2)

    def states(self, name: str) -> list[str]:
        """What a job's runs are doing."""
        return [one["state"] for one in self.chronos.runs(name)]

    def test_crontab(self) -> None:
        """A crontab is taken over once; what cannot be a job is named, and is the status."""
        tab = Path(self.cluster.directory / "tab")
        tab.write_text("0 3 * * * backup --all\n@reboot warm-up\n")
        first = self.chronos.job("import", "crontab", str(tab), "--zone=UTC")
        self.assertIn("added backup-", self.assert_done(first, 1))
        self.assertIn(f"{tab}:2: @reboot warm-up: ", first.stderr)
        version = self.cluster.get("/v1/chronos/jobs", self.chronos.address)["jobs"][0]["version"]
        second = self.chronos.job("import", "crontab", str(tab), "--zone=UTC")
        self.assertIn("unchanged backup-", self.assert_done(second, 1))
        (job,) = self.cluster.get("/v1/chronos/jobs", self.chronos.address)["jobs"]
        self.assertEqual(job["version"], version)

    def test_notices_outlive_chronos(self) -> None:
        """A hook that nobody answered is told by the next life; once told it is told no more."""
        (port,) = free_ports("127.0.0.1", 1)
        job = {
            "name": "bad",
            "command": "exit 1",
            "schedule": "R1//PT24H",
            "cpus": 0.1,
            "retries": 0,
            "hooks": [{"channel": "webhook", "target": f"http://127.0.0.1:{port}/told"}],
        }
        path = self.cluster.directory / "job.json"
        path.write_text(json.dumps(job))
        self.assert_done(self.chronos.job("add", "-f", str(path)))
        wait_until("the failure", lambda: "failed" in self.chronos.job("history").stdout)
        self.chronos.kill()
        Hearing.calls.clear()
        server = ThreadingHTTPServer(("127.0.0.1", port), Hearing)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.chronos.start()
        # The count of its instants is at its end too, of which it tells as well.
        wait_until("both notices", lambda: len(Hearing.calls) >= 2)
        told = {one["occasion"]: one for _, one in Hearing.calls}
        self.assertEqual(set(told), {"failure", "disabled"})
        self.assertEqual(told["failure"]["job"], "bad")
        self.assertEqual(
            {names["x-chronos-notice"] for names, _ in Hearing.calls},
            {one["id"] for one in told.values()},
        )
        wait_until("their end to be kept", lambda: self.waiting_notices() == 0)
        self.chronos.kill()
        self.chronos.start()
        self.assertEqual(self.waiting_notices(), 0)
        self.assertEqual(len(Hearing.calls), 2)

    def waiting_notices(self) -> int:
        """How many are not told yet, as far as Chronos has kept it."""
        gauges = self.cluster.get("/metrics", self.chronos.address)["gauges"]
        number: int = gauges["chronos.notices.waiting.gauge"]["value"]
        return number


class DemoTests(SynchronousTestCase):
    """What a newcomer's cluster shows."""

    def test_demo_jobs(self) -> None:
        """Two jobs run by themselves, one after the other, also when Chronos is killed."""
        cluster = LocalCluster(1, "--chronos=true", "--demo=true")
        self.addCleanup(cluster.stop)

        def succeeded(name: str) -> int:
            try:
                jobs = cluster.get("/v1/scheduler/jobs", cluster.chronos)
            except OSError:
                return 0
            return sum(one["successCount"] for one in jobs if one["name"] == name)

        wait_until("the report", lambda: succeeded("demo-report"))
        cluster.kill("chronos")
        wait_until("Chronos again", lambda: succeeded("demo-report"))
        self.assertEqual(succeeded("demo-extract"), 1)
