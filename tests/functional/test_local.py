"""A whole cluster as a newcomer has it: started, used, killed in parts, stopped."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.clusters import ROOT, LocalCluster, wait_until

WORDCOUNT = ROOT / "docs" / "examples" / "wordcount" / "wordcount.py"
_spec = importlib.util.spec_from_file_location("wordcount", WORDCOUNT)
assert _spec is not None
assert _spec.loader is not None
wordcount = importlib.util.module_from_spec(_spec)
sys.modules["wordcount"] = wordcount
_spec.loader.exec_module(wordcount)


class LocalClusterTests(SynchronousTestCase):
    """What the README promises, on three agents."""

    def setUp(self) -> None:
        self.cluster = LocalCluster(3)
        self.addCleanup(self.cluster.stop)
        #: What commands wait for that begin with ``wait_for_it``.
        self.gate = self.cluster.directory / "gate"
        self.wait_for_it = f"while [ ! -e {self.gate} ]; do sleep 0.1; done"

    def test_runs_commands(self) -> None:
        """Commands run, are followed to their end, and their worst exit status is ours."""
        self.assertEqual(len(self.cluster.agents), 3)
        done = self.cluster.mesostw("run", "--instances", "30", "--cpus", "0.5", "--", "true")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("30 finished, 0 failed", done.stderr)
        failed = self.cluster.mesostw("run", "--instances", "2", "--", "exit 7")
        self.assertEqual(failed.returncode, 7, failed.stderr)
        shown = self.cluster.mesostw("run", "--output", "-q", "--", "echo $GREETING there")
        self.assertEqual(shown.stdout, "there\n", shown.stderr)
        greeted = self.cluster.mesostw(
            "run", "--env", "GREETING=hello", "--follow", "--", "echo $GREETING there; sleep 1"
        )
        self.assertEqual(greeted.stdout, "hello there\n", greeted.stderr)

    def test_lists(self) -> None:
        """What runs is seen, explained, killed; its framework hears of it."""
        running = self.cluster.start_mesostw("run", "--name", "napper", "--", "echo up; sleep 300")
        self.addCleanup(running.kill)
        wait_until(
            "the task to run",
            lambda: "RUNNING" in self.cluster.mesostw("ps").stdout,
        )
        listed = self.cluster.mesostw("ps").stdout
        self.assertIn("napper", listed)
        self.assertEqual(self.cluster.mesostw("agents").stdout.count("active"), 3)
        self.assertIn("mesostw run napper", self.cluster.mesostw("frameworks").stdout)
        wait_until("its output", lambda: self.cluster.mesostw("logs", "napper").stdout == "up\n")
        told = self.cluster.mesostw("why", "task", "napper")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("running", told.stdout.lower())
        killed = self.cluster.mesostw("kill", "napper")
        self.assertEqual(killed.returncode, 0, killed.stderr)
        self.assertEqual(running.wait(timeout=30), 1)
        missing = self.cluster.mesostw("logs", "nobody")
        self.assertEqual((missing.returncode, missing.stdout), (1, ""))
        self.assertIn("no task is called 'nobody'", missing.stderr)

    def test_interrupt_kills_tasks(self) -> None:
        """Ctrl-C on a run kills what it started; Ctrl-C on the cluster leaves nothing behind."""
        running = self.cluster.start_mesostw("run", "--instances", "3", "--", "sleep", "300")
        self.addCleanup(running.kill)
        wait_until("the tasks", lambda: self.cluster.mesostw("ps").stdout.count("RUNNING") == 3)
        running.send_signal(signal.SIGINT)
        self.assertEqual(running.wait(timeout=30), 130)
        self.assertEqual(self.cluster.mesostw("ps").stdout.count("RUNNING"), 0)
        left = self.cluster.start_mesostw("run", "--", "sleep", "300")
        self.addCleanup(left.kill)
        wait_until("a task", lambda: self.cluster.mesostw("ps").stdout.count("RUNNING") == 1)
        self.cluster.interrupt()
        left.kill()
        left.wait()
        self.assertEqual(self.cluster.processes(), [])
        self.assertFalse(self.cluster.ready_file.exists())

    def test_killed_agent_keeps_tasks_and_exit_statuses(self) -> None:
        """Tasks outlive their agent; how those ended that ended meanwhile is learnt."""
        run = self.cluster.start_mesostw(
            "run", "--instances", "6", "--cpus", "4", "--", f"{self.wait_for_it}; exit 5"
        )
        self.addCleanup(run.kill)
        wait_until("the tasks", lambda: self.cluster.mesostw("ps").stdout.count("RUNNING") == 6)
        for number in (1, 2, 3):
            self.cluster.kill(f"agent{number}")
        self.gate.touch()
        self.assertEqual(run.wait(timeout=60), 5)
        assert run.stderr is not None
        self.assertIn("0 finished, 6 failed", run.stderr.read())

    def test_killed_master(self) -> None:
        """A master that is killed comes back and nothing is lost, nothing run twice."""
        run = self.cluster.start_mesostw(
            "run", "--instances", "6", "--cpus", "4", "--", f"{self.wait_for_it}; echo once"
        )
        self.addCleanup(run.kill)
        wait_until("the tasks", lambda: self.cluster.mesostw("ps").stdout.count("RUNNING") == 6)
        self.cluster.kill("master")
        self.gate.touch()
        wait_until("the agents", lambda: self.cluster.active_agents() == 3)
        self.assertEqual(run.wait(timeout=60), 0)
        outputs = [
            path.read_text()
            for path in self.cluster.directory.glob("work/agent*/slaves/**/runs/*/stdout")
            if not path.parent.is_symlink()
        ]
        self.assertEqual(outputs, ["once\n"] * 6)


class WordCountTests(SynchronousTestCase):
    """The main job: words of the standard library, with an agent killed in the middle."""

    def test_sum(self) -> None:
        """Every file is counted exactly once, and the sum equals a direct count."""
        cluster = LocalCluster(3)
        self.addCleanup(cluster.stop)
        files = wordcount.standard_library()
        self.assertGreater(len(files), 500)
        count = subprocess.Popen(
            [sys.executable, str(WORDCOUNT), "--master", cluster.master],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(count.kill)
        wait_until(
            "some tasks to finish",
            lambda: cluster.get("/metrics/snapshot")["master/tasks_finished"] > 50,
        )
        cluster.kill("agent2")
        began = time.monotonic()
        output, errors = count.communicate(timeout=240)
        self.assertEqual(count.returncode, 0, errors)
        direct = subprocess.run(
            ["wc", "-w", "--files0-from=-"],
            input="\0".join(files),
            capture_output=True,
            text=True,
            check=True,
            # As tasks have it: nothing of anybody's environment.
            env={"PATH": os.defpath},
        )
        expected = int(direct.stdout.splitlines()[-1].split()[0])
        self.assertIn(f"{len(files)} files, {expected} words", output, errors)
        self.assertLess(time.monotonic() - began, 240)
