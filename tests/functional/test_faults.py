"""Real processes that are killed, stopped, starved and misused: what must survive does."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.local_parts import twistd
from mesostw.model.tasks import TERMINAL
from tests.functional.clusters import ROOT, LocalCluster, wait_until
from tests.functional.witness import SECRET

WITNESS = ROOT / "tests" / "functional" / "witness.py"
ENDS = {state.value for state in TERMINAL}
#: Ends of tasks whose program has run.
RAN = ("TASK_FINISHED", "TASK_FAILED", "TASK_KILLED")
SEED = 20
TASKS = 150


class Journal:
    """What a witness has written down, and the files that its tasks have."""

    def __init__(self, directory: Path, name: str) -> None:
        self.path = directory / f"{name}.journal"
        self.runs = directory / f"{name}.runs"
        self.runs.mkdir(mode=0o777)
        self.runs.chmod(0o777)

    def notes(self) -> list[dict[str, Any]]:
        """All events, oldest first."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def framework_id(self) -> str:
        """The id that the master gave; empty before."""
        return next((one["subscribed"] for one in self.notes() if "subscribed" in one), "")

    def statuses(self) -> dict[str, list[dict[str, Any]]]:
        """The updates of each task."""
        told = defaultdict(list)
        for one in self.notes():
            if "task" in one:
                told[one["task"]].append(one)
        return told

    def ended(self) -> dict[str, dict[str, Any]]:
        """
        The end of each task that has ended, as its agent told it.

        A master that is asked tells of ends beforehand; those count only if they say
        that the task never was.
        """
        ends: dict[str, dict[str, Any]] = {}
        for name, told in self.statuses().items():
            for one in told:
                asked = one["reason"] == "REASON_RECONCILIATION"
                if one["state"] in ENDS and not (asked and one["state"] in RAN):
                    ends.setdefault(name, one)
        return ends

    def running(self) -> int:
        """How many tasks run by their last update."""
        return sum(told[-1]["state"] == "TASK_RUNNING" for told in self.statuses().values())

    def lines_of(self, name: str) -> int:
        """How often the task's program has been started."""
        file = self.runs / name.removeprefix("task-")
        return len(file.read_text().splitlines()) if file.exists() else 0


class OneCluster(SynchronousTestCase):
    """Helpers for tests with a cluster and witnesses."""

    def begin(self, agents: int = 3) -> LocalCluster:
        """A cluster that is stopped at the end."""
        self.cluster = LocalCluster(agents)
        self.addCleanup(self.cluster.stop)
        # Tasks may have another user.
        self.cluster.directory.chmod(0o755)
        return self.cluster

    def witness(self, journal: Journal, script: str, *flags: str) -> subprocess.Popen[bytes]:
        """Start a framework; ``RUNS`` in its script is the directory of its files."""
        script = script.replace("RUNS", str(journal.runs))
        command = [sys.executable, str(WITNESS), self.cluster.master, str(journal.path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen([*command, "--script", script, *flags], env=environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def left_running(self, word: str) -> list[str]:
        """Processes of tasks whose command has ``word``."""
        found = self.cluster.processes()
        return [one for one in found if word in one and WITNESS.name not in one]

    def supervisor_of(self, part: str) -> int:
        """The process id of an agent's supervisor."""
        wanted = os.fsencode(self.cluster.directory / "work" / part / "meta" / "supervisor")
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                    return int(entry.name)
        return 0

    def agent_ids(self) -> set[str]:
        """Ids of all agents that the master has connected."""
        listed = self.cluster.get("/slaves")["slaves"]
        return {agent["id"] for agent in listed if agent["active"]}


class ChaosTests(OneCluster):
    """Seeded trouble while short tasks run."""

    def test_each_ran_once(self) -> None:
        """
        Whatever is killed or stopped, each task ran once, and its end is told as it was.

        Only what a supervisor's death took may be lost, with a reason that says so; nothing
        is told again once it is acknowledged; agents keep their ids.
        """
        cluster = self.begin()
        ids = self.agent_ids()
        journal = Journal(cluster.directory, "chaos")
        script = "echo $$ >> RUNS/@; sleep 1.$((@ % 10)); exit $((@ % 3 == 0 ? 3 : 0))"
        self.witness(journal, script, f"--tasks={TASKS}")
        wait_until("the first tasks", lambda: journal.running() > 10)
        self._trouble(Random(SEED))
        wait_until("the end of every task", lambda: len(journal.ended()) == TASKS)
        wait_until("the agents", lambda: cluster.active_agents() == 3)
        self._judge(journal)
        self.assertEqual(self.agent_ids(), ids)
        self._not_told_again(journal)
        self.assertEqual(self.left_running("sleep"), [])

    def _trouble(self, chance: Random) -> None:
        """Nine hits, each kind at least once."""
        hits = ["agent", "master", "pause", "both", "supervisor", "agent", "pause", "agents"]
        chance.shuffle(hits)
        for hit in hits:
            first, second = chance.sample(["agent1", "agent2", "agent3"], 2)
            time.sleep(chance.uniform(0.1, 0.8))
            if hit == "pause":
                pid = wait_until(first, partial(self.cluster.pid_of, first))
                os.kill(pid, signal.SIGSTOP)
                time.sleep(chance.uniform(0.5, 2.0))
                os.kill(pid, signal.SIGCONT)
            elif hit == "supervisor":
                pid = wait_until("it", partial(self.supervisor_of, first))
                os.kill(pid, signal.SIGKILL)
            else:
                parts = {"both": ["master", first], "agents": [first, second], "agent": [first]}
                for part in parts.get(hit, ["master"]):
                    self.cluster.kill(part)

    def _judge(self, journal: Journal) -> None:
        unknown = 0
        for name, told in journal.ended().items():
            lines, state, message = journal.lines_of(name), told["state"], told["message"]
            right = "TASK_FAILED" if int(name.removeprefix("task-")) % 3 == 0 else "TASK_FINISHED"
            story = f"{name}: ran {lines} times; {journal.statuses()[name]}"
            if "unknown" in message:
                unknown += 1
                self.assertEqual(state, "TASK_FAILED", story)
                self.assertLessEqual(lines, 1, story)
            elif state in ("TASK_DROPPED", "TASK_LOST"):
                self.assertEqual(lines, 0, story)
                self.assertTrue(told["reason"] and message, story)
            else:
                self.assertEqual((lines, state), (1, right), story)
                if right == "TASK_FAILED":
                    self.assertIn("exited with status 3", message)
        # One supervisor dies, and an agent has room for eight.
        self.assertLessEqual(unknown, 8)
        launched = [one["launched"] for one in journal.notes() if "launched" in one]
        self.assertEqual(sorted(launched), sorted(set(launched)))

    def _not_told_again(self, journal: Journal) -> None:
        """What is acknowledged is not told again by an agent's next life."""
        before = len(journal.notes())
        for part in ("agent1", "agent2", "agent3"):
            self.cluster.kill(part)
        wait_until("the agents", lambda: self.cluster.active_agents() == 3)
        time.sleep(0.5)
        self.assertEqual([one for one in journal.notes()[before:] if "task" in one], [])


class FrameworkTests(OneCluster):
    """Frameworks that die, and daemons that keep what they are told to themselves."""

    def setUp(self) -> None:
        self.begin(2)

    def test_comes_back(self) -> None:
        """A framework killed and started with its id has its tasks, and learns their ends."""
        journal = Journal(self.cluster.directory, "failover")
        script = "echo up >> RUNS/@; while [ ! -e RUNS/go ]; do sleep 0.1; done; exit 4"
        first = self.witness(journal, script, "--tasks=4")
        wait_until("the tasks", lambda: journal.running() == 4)
        first.kill()
        first.wait()
        time.sleep(0.5)
        (journal.runs / "go").touch()
        wait_until("the ends", lambda: not self.left_running("sleep 0.1"))
        self.assertEqual(journal.ended(), {})
        self.witness(journal, script, f"--id={journal.framework_id()}")
        wait_until("news of the ends", lambda: len(journal.ended()) == 4)
        for name, told in journal.ended().items():
            self.assertEqual(told["state"], "TASK_FAILED")
            self.assertIn("exited with status 4", told["message"])
            self.assertEqual(journal.lines_of(name), 1)

    def test_no_failover(self) -> None:
        """The tasks of a framework with no time to come back are killed on all agents."""
        journal = Journal(self.cluster.directory, "mortal")
        mortal = self.witness(journal, "sleep 4321", "--tasks=12", "--failover=0")
        wait_until("the tasks", lambda: journal.running() == 12)
        self.assertTrue(self.left_running("sleep 4321"))
        mortal.kill()
        wait_until("the end of its tasks", lambda: not self.left_running("sleep 4321"), 20)

    def test_lost_supervisor(self) -> None:
        """What dies with a supervisor is told once, as of unknown status; new tasks run."""
        journal = Journal(self.cluster.directory, "orphans")
        script = "[ @ -ge 16 ] || exec sleep 4322"
        self.witness(journal, script, "--tasks=18")
        wait_until("the tasks", lambda: journal.running() == 16)
        os.kill(self.supervisor_of("agent1"), signal.SIGKILL)
        wait_until("the news", lambda: len(journal.ended()) >= 8)
        wait_until("new tasks", lambda: "task-17" in journal.ended())
        lost = [one for one in journal.ended().values() if "unknown" in one["message"]]
        self.assertGreaterEqual(len(lost), 1)
        for one in lost:
            self.assertEqual(one["state"], "TASK_FAILED")
            told = [each for each in journal.statuses()[one["task"]] if each["state"] in ENDS]
            self.assertEqual(len(told), 1)
        self.assertEqual(journal.ended()["task-17"]["state"], "TASK_FINISHED")

    def test_secrets(self) -> None:
        """No log has a task's variables, others cannot read or reach what has them."""
        journal = Journal(self.cluster.directory, "secret")
        self.witness(journal, "echo $PASSWORD > RUNS/@", "--tasks=2")
        wait_until("the ends", lambda: len(journal.ended()) == 2)
        self.assertEqual((journal.runs / "0").read_text().strip(), SECRET)
        self.assertNotIn(SECRET, self.cluster.log.read_text(errors="replace"))
        work = self.cluster.directory / "work"
        holders = 0
        for path in work.rglob("*"):
            if path.is_socket() or not path.is_file() or path.is_symlink():
                continue
            if SECRET.encode() in path.read_bytes():
                holders += 1
                self.assertEqual(path.stat().st_mode & 0o077, 0, path)
                self.assertNotEqual(path.name, "log")
        self.assertGreater(holders, 0)
        for part in ("agent1/meta", "agent1/meta/supervisor"):
            self.assertEqual((work / part).stat().st_mode & 0o777, 0o700, part)

        self._listens_here_only()

    def _listens_here_only(self) -> None:
        inodes = set()
        for part in ("master", "agent1", "agent2"):
            pid = self.cluster.pid_of(part)
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    inodes.add(os.readlink(link))
        listening = []
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for row in Path(table).read_text().splitlines()[1:]:
                words = row.split()
                if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                    listening.append(words[1].partition(":")[0])
        self.assertEqual(listening, ["0100007F"] * 3)


class EndTests(OneCluster):
    """However a cluster is ended, nothing of it is left."""

    def _ends(self, number: int, *, group: bool = False) -> None:
        self.begin(2)
        journal = Journal(self.cluster.directory, "left")
        framework = self.witness(journal, "sleep 4323", "--tasks=4")
        wait_until("the tasks", lambda: journal.running() == 4)
        pid = self.cluster.process.pid
        if group:
            os.killpg(pid, number)  # as a terminal does it
        else:
            os.kill(pid, number)
        self.cluster.process.wait(timeout=20)
        framework.kill()
        framework.wait()
        wait_until("the end of all", lambda: not self.cluster.processes(), 20)

    def test_interrupted(self) -> None:
        """Ctrl-C reaches all processes of the terminal, and ends tasks too."""
        self._ends(signal.SIGINT, group=True)

    def test_terminated(self) -> None:
        """SIGTERM ends all."""
        self._ends(signal.SIGTERM)

    def test_hung_up(self) -> None:
        """A terminal that is closed ends all."""
        self._ends(signal.SIGHUP)

    def test_killed(self) -> None:
        """A cluster that is killed outright takes its parts and their tasks with it."""
        self._ends(signal.SIGKILL)


class StartTests(SynchronousTestCase):
    """What cannot start says why in one line, without a traceback, and fails."""

    def setUp(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="mesostw-"))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.socket.close)
        self.port = self.socket.getsockname()[1]

    def refused(self, *commands: tuple[str, ...]) -> list[str]:
        """What each of these daemons says before it ends by itself; all run at once."""
        running = [
            subprocess.Popen(one, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for one in commands
        ]
        for one in running:
            self.addCleanup(one.wait)
            self.addCleanup(one.kill)
        outputs = [one.communicate(timeout=30)[0] for one in running]
        for one, said in zip(running, outputs, strict=True):
            self.assertNotEqual(one.returncode, 0, said)
            self.assertNotIn("Traceback", said)
        return outputs

    def test_work_dir(self) -> None:
        """A directory that cannot be."""
        (self.top / "file").touch()
        where = str(self.top / "file" / "below")
        roles = (("mesos-master",), ("mesos-agent", "--master=127.0.0.1:1"), ("mesos-local",))
        commands = [twistd(*role, "--port=0", f"--work_dir={where}") for role in roles]
        for said in self.refused(*commands):
            self.assertIn(where, said)

    def test_port(self) -> None:
        """A port that is taken."""
        roles = (("mesos-master",), ("mesos-agent", "--master=127.0.0.1:1"), ("mesos-local",))
        commands = [
            twistd(*role, f"--work_dir={self.top}/{role[0]}", f"--port={self.port}")
            for role in roles
        ]
        for said in self.refused(*commands):
            self.assertIn(str(self.port), said)
            self.assertIn("Address already in use", said)

    def test_flags(self) -> None:
        """Flags that nobody knows or can read."""
        roles = (("mesos-master",), ("mesos-agent", "--master=127.0.0.1:1"), ("mesos-local",))
        for wrong, told in (("--bogus", "--bogus not recognized"), ("--port=x", "give a port")):
            commands = [twistd(*role, f"--work_dir={self.top}/w", wrong) for role in roles]
            for said in self.refused(*commands):
                self.assertIn(told, said.splitlines()[-1])

    def test_no_prctl(self) -> None:
        """An agent without python-prctl names the package."""
        program = (
            "import importlib.util as u, sys; old = u.find_spec; "
            "u.find_spec = lambda n, *a: None if n in ('prctl', '_prctl') else old(n, *a); "
            "from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
        )
        start = (sys.executable, "-c", program, "--nodaemon", "--pidfile=")
        work_dir = f"--work_dir={self.top}/w"
        for said in self.refused(
            (*start, "mesos-agent", "--master=127.0.0.1:1", work_dir),
            (*start, "mesos-local", "--port=0", work_dir),
        ):
            self.assertIn("python-prctl", said)

    def _answers(self, log: Path) -> bool:
        return "answers at" in log.read_text()

    def test_two_in_one_directory(self) -> None:
        """A second daemon in a directory is refused, and the first goes on."""
        for words in (("mesos-master",), ("mesos-agent", "--master=127.0.0.1:1")):
            command = twistd(*words, "--port=0", f"--work_dir={self.top}/{words[0]}")
            log = self.top / f"{words[0]}.log"
            with log.open("wb") as output:
                first = subprocess.Popen(command, stdout=output, stderr=output)
            self.addCleanup(first.wait)
            self.addCleanup(first.kill)
            wait_until(f"it: {log}", partial(self._answers, log), 10)
            self.assertIn("another daemon works in", self.refused(command)[0])
            self.assertIsNone(first.poll())


class FullDiskTests(OneCluster):
    """An agent whose disk is full fails new tasks with a reason, and stays."""

    def test_full(self) -> None:
        """Tasks that run go on, new ones fail; there is room again, and tasks run."""
        if os.geteuid() != 0:
            raise SkipTest("needs root to mount a small file system")
        self.begin(0)
        disk = self.cluster.directory / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=48m,mode=755", "mesostw-test", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            raise SkipTest("may not mount a file system here")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(disk)], check=False)
        agent = self._agent(disk)
        before = Journal(self.cluster.directory, "before")
        self.witness(
            before, "echo up > RUNS/@; while [ ! -e RUNS/go ]; do sleep 0.1; done", "--tasks=1"
        )
        wait_until("a task", lambda: before.running() == 1)
        room = os.statvfs(disk)
        with contextlib.suppress(OSError), (disk / "filler").open("wb", 0) as filler:
            for _ in range(room.f_bavail + 1):
                filler.write(bytes(room.f_frsize))
        full = Journal(self.cluster.directory, "full")
        time.sleep(2.5)  # the agent looks each second
        during = self.witness(full, "true", "--tasks=1")
        wait_until("its end", lambda: full.ended() or full.statuses())
        (told,) = full.ended().values()
        self.assertIn(told["state"], ("TASK_FAILED", "TASK_DROPPED", "TASK_LOST"))
        self.assertRegex(told["message"], "(?i)disk|space|room")
        during.kill()
        (before.runs / "go").touch()
        wait_until("the end of what ran", before.ended)
        self.assertEqual(before.ended()["task-0"]["state"], "TASK_FINISHED")
        (disk / "filler").unlink()
        time.sleep(2.5)
        after = Journal(self.cluster.directory, "after")
        self.witness(after, "true", "--tasks=1")
        wait_until("a task", after.ended)
        self.assertEqual(after.ended()["task-0"]["state"], "TASK_FINISHED")
        self.assertIsNone(agent.poll())

    def _agent(self, disk: Path) -> subprocess.Popen[bytes]:
        """An agent of its own on a small disk, that ends before the disk goes."""
        command = twistd(
            "mesos-agent",
            "--port=0",
            f"--master={self.cluster.master}",
            f"--work_dir={disk / 'work'}",
            "--registration_backoff_factor=10ms",
            "--resources=cpus:8;mem:1024;disk:10;ports:[31000-31001]",
        )
        with (self.cluster.directory / "agent.log").open("wb") as log:
            agent = subprocess.Popen(command, stdout=log, stderr=log)

        def end() -> None:
            agent.send_signal(signal.SIGUSR1)
            agent.wait(timeout=20)

        self.addCleanup(end)
        wait_until("the agent", lambda: self.cluster.active_agents() == 1)
        return agent
