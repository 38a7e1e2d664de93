"""Files of tasks on a real cluster: a web server, an agent, and what a task finds."""

from __future__ import annotations

import gzip
import stat
import subprocess
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.v1_client import Scheduler, task
from tests.functional.clusters import LocalCluster, wait_until


def tar_of(name: str, content: bytes) -> bytes:
    """A packed tar file of one member."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, BytesIO(content))
    return file.getvalue()


def zip_of(name: str, content: bytes) -> bytes:
    """A zip file of one member that can be executed."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o755) << 16
        archive.writestr(entry, content)
    return file.getvalue()


FILES = {
    "/plain.txt": b"a plain file\n",
    "/packed.tgz": tar_of("from/tar.txt", b"out of a tar\n"),
    "/packed.zip": zip_of("from-zip.sh", b"#!/bin/sh\necho out of a zip\n"),
    "/packed.txt.gz": gzip.compress(b"out of a gz\n"),
    "/tool": b"#!/bin/sh\necho a tool\n",
    "/kept.txt": b"kept by the agent\n",
}


#: What an agent tells of fetching after four tasks with one file that is kept.
METRICS = {
    "task_fetches_succeeded": 4,
    "task_fetches_failed": 0,
    "cache_size_total_bytes": 2 * 1024**3,
    "cache_size_used_bytes": len(FILES["/kept.txt"]),
}


class Pages(BaseHTTPRequestHandler):
    """Answers from a table, and counts; ``/slow`` never ends."""

    asked: ClassVar[Counter[str]] = Counter()
    end: ClassVar[threading.Event] = threading.Event()

    def answer(self, *, body: bool) -> None:
        self.asked[f"{self.command} {self.path}"] += 1
        content = FILES.get(self.path)
        if self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"something")
            self.end.wait(120)
            return
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer(body=True)

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the output of a test is for its failures."""


class FetchingTests(SynchronousTestCase):
    """One agent, one server, and tasks that want files."""

    def setUp(self) -> None:
        if find_spec("prctl") is None:
            raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'")
        Pages.asked.clear()
        Pages.end.clear()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.server.daemon_threads = True
        self.serving = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.serving.start()
        self.addCleanup(self.end_server)
        self.cluster = LocalCluster(1)
        self.addCleanup(self.cluster.stop)

    def end_server(self) -> None:
        Pages.end.set()
        self.server.shutdown()
        self.serving.join()
        self.server.server_close()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{name}"

    def run_with(self, files: Sequence[str], command: str) -> tuple[int, str, str]:
        """Run a shell's line with files fetched: exit status, output, and what was told."""
        words = [word for file in files for word in ("--fetch", file)]
        done = self.cluster.mesostw("run", "--output", *words, command)
        return done.returncode, done.stdout, done.stderr

    def test_all_kinds(self) -> None:
        """Plain files, archives of each kind, and a program are there when the task starts."""
        names = ("plain.txt", "packed.tgz", "packed.zip", "packed.txt.gz")
        status, output, told = self.run_with(
            [*map(self.url, names), f"{self.url('tool')},executable"],
            "cat plain.txt from/tar.txt packed.txt; ./from-zip.sh; ./tool",
        )
        self.assertEqual(status, 0, told)
        self.assertEqual(output, "a plain file\nout of a tar\nout of a gz\nout of a zip\na tool\n")

    def test_missing(self) -> None:
        """A file that is not there fails the task, which says which and why, and never runs."""
        status, output, told = self.run_with(
            [self.url("plain.txt"), self.url("nothing-here")], "echo it ran"
        )
        self.assertEqual((status, output), (1, ""))
        self.assertIn(
            f"FAILED Failed to launch container: {self.url('nothing-here')}: "
            "the server answers 404 Not Found",
            told,
        )

    def test_cached(self) -> None:
        """A file that is kept is brought once, for tasks side by side and for later ones."""
        words = ("--fetch", f"{self.url('kept.txt')},cache", "cat kept.txt")
        done = self.cluster.mesostw("run", "--output", "--instances", "3", *words)
        self.assertEqual(done.stdout, "kept by the agent\n" * 3, done.stderr)
        done = self.cluster.mesostw("run", "--output", *words)
        self.assertEqual(done.stdout, "kept by the agent\n", done.stderr)
        self.assertEqual(Pages.asked["GET /kept.txt"], 1)
        kept = list(Path(self.cluster.directory).glob("work/agent*/fetch/file-*"))
        self.assertEqual([one.read_bytes() for one in kept], [b"kept by the agent\n"])
        metrics = self.cluster.get("/metrics/snapshot", self.cluster.agents[0])
        named = {name: metrics[f"containerizer/fetcher/{name}"] for name in METRICS}
        self.assertEqual(named, METRICS)

    def test_killed(self) -> None:
        """A task that is killed while its files come ends at once, and nothing goes on."""
        run = self.slow_run("slow")
        try:
            wait_until("the server is asked", lambda: Pages.asked["GET /slow"] > 0)
            run.send_signal(2)
            _, told = run.communicate(timeout=30)
        finally:
            run.kill()
        self.assertEqual(run.returncode, 130, told)
        self.assertIn("1 killed", told)
        wait_until("the end of the fetch", lambda: not self.fetching())

    def slow_run(self, name: str) -> subprocess.Popen[str]:
        """Start a run whose file never comes to its end."""
        return self.cluster.start_mesostw(
            "run", "--name", name, "--fetch", self.url("slow"), "true"
        )

    def fetching(self) -> list[str]:
        """Sandbox files that a process has open for writing a fetched file."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                opened = [str(one.readlink()) for one in (entry / "fd").iterdir()]
            except OSError:
                continue
            found += [path for path in opened if path.endswith("/slow")]
        return found

    def test_agent_dies(self) -> None:
        """An agent that is killed in a fetch takes the fetch with it; the task is tried anew."""
        run = self.slow_run("dies")
        try:
            wait_until("the server is asked", lambda: Pages.asked["GET /slow"] > 0)
            self.cluster.kill("agent1")
            wait_until("the end of the fetch", lambda: not self.fetching())
            wait_until("the agent's return", lambda: self.cluster.active_agents() == 1)
            state = wait_until("the end of the task", self.ended)
            self.assertIn(state, ("TASK_LOST", "TASK_DROPPED"))
        finally:
            run.send_signal(2)
            run.communicate(timeout=30)
            run.kill()

    def ended(self) -> str | None:
        """How the first task of the run above has ended."""
        told = self.cluster.get("/tasks?limit=1000")
        for one in told["tasks"]:
            state: str = one["state"]
            first = one["id"].startswith("dies-") and one["id"].endswith("-0")
            if first and state not in ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING"):
                return state
        return None

    def test_custom_executor(self) -> None:
        """An executor's files are there when it starts; its task fails with what is missing."""
        framework = Scheduler(self.cluster.master)
        self.addCleanup(framework.leave)
        framework.joined()
        (offer,) = framework.offers()
        framework.launch([offer], self.executor_task(offer, "good", "packed.tgz", "tool"))
        pattern = "work/agent*/slaves/*/frameworks/*/executors/good/runs/latest/proof"
        (proof,) = wait_until("the executor", lambda: list(self.cluster.directory.glob(pattern)))
        wait_until("its output", lambda: proof.read_bytes() == b"out of a tar\na tool\n")
        (offer,) = framework.offers()
        framework.launch([offer], self.executor_task(offer, "bad", "packed.tgz", "missing"))
        status = framework.status("bad")
        self.assertEqual(status["state"], "TASK_FAILED")
        self.assertEqual(status["reason"], "REASON_CONTAINER_LAUNCH_FAILED")
        self.assertIn("missing: the server answers 404", status["message"])

    def executor_task(self, offer: dict[str, Any], name: str, *files: str) -> dict[str, Any]:
        """A task of an executor that never subscribes, but shows what it found."""
        made = task(offer, name)
        archive, tool = files
        uris = [
            {"value": self.url(archive), "cache": True},
            {"value": self.url(tool), "executable": True, "output_file": "bin/tool"},
        ]
        value = "cat from/tar.txt > proof; bin/tool >> proof; sleep 300"
        command = {"value": value, "uris": uris}
        del made["command"]
        return {**made, "executor": {"executor_id": {"value": name}, "command": command}}

    def test_refused(self) -> None:
        """What no agent can fetch is refused by the scheme's name, with a way out."""
        status, _, told = self.run_with(["hdfs://nn/a.jar"], "true")
        self.assertEqual(status, 1)
        self.assertIn("hdfs is not supported in this version; give the file by http", told)
