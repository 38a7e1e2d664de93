"""An agent's site: what runs on it, executors over HTTP, and its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.agent.changes import (
    Counted,
    Executor,
    ExecutorChanged,
    Framework,
    FrameworkChanged,
    Task,
    TaskChanged,
)
from mesostw.core.agent.flags import AgentFlags
from mesostw.core.agent.state import AgentState
from mesostw.feed.changes import Feed
from mesostw.http.agent import shown_paths
from mesostw.http.files import READ_BYTES_MAX
from mesostw.http.identity import Identity
from mesostw.http.site import AgentParts, agent_site
from mesostw.messages import (
    AgentID,
    CommandInfo,
    ExecutorID,
    ExecutorInfo,
    FrameworkInfo,
    KillPolicy,
    TaskID,
    TaskInfo,
    executor_calls,
    executor_events,
)
from mesostw.messages.convert import messages_of
from mesostw.model.ids import ContainerId, ExecutorId, FrameworkId, LinkId
from mesostw.model.resources import Resources
from mesostw.wire.recordio import Records
from tests.http.world import (
    RUNNING,
    WALL,
    Answer,
    RecordingExchange,
    RecordingInbox,
    Visit,
    WallClock,
)

F = FrameworkId("f")
JSON = {"Content-Type": "application/json"}


class AgentWorld:
    """An agent's site over a state that a test changes by hand."""

    def __init__(self, sandbox: str) -> None:
        self.clock = WallClock()
        self.feed: Feed[Any, Any] = Feed(AgentState())
        self.feed.begin(1)
        self.exchange = RecordingExchange()
        self.flags = AgentFlags(
            hostname="host1",
            ip="10.0.1.1",
            port=5051,
            version="1.11.0",
            work_dir="/w",
            resources=messages_of(Resources.parse("cpus:4;mem:1024")),
        )
        identity = Identity(
            id=lambda: "S1", ip="10.0.1.1", port=5051, hostname="host1", started=WALL - 5
        )
        self.site = agent_site(
            AgentParts(
                feed=self.feed,
                inbox=RecordingInbox(),
                exchange=self.exchange,
                clock=self.clock,
                identity=identity,
                flags=self.flags,
                statistics=lambda container: {"cpus_limit": 0.1, "timestamp": WALL},
            )
        )
        self.feed.publish(
            [
                FrameworkChanged(Framework(id=F, info=FrameworkInfo(user="root", name="app"))),
                TaskChanged(task("t1", sandbox)),
                ExecutorChanged(executor(sandbox + "/e")),
            ]
        )

    def visit(self) -> Visit:
        return Visit(self.site, self.clock)

    def get(self, path: str) -> Answer:
        return self.visit().ask("GET", path)


def task(name: str, directory: str) -> Task:
    """A running command task."""
    info = TaskInfo(
        name=name,
        task_id=TaskID(value=name),
        agent_id=AgentID(value="S1"),
        command=CommandInfo(value="sleep 1"),
        resources=messages_of(Resources.parse("cpus:0.1")),
    )
    return Task(
        framework_id=F,
        info=info,
        executor_id=ExecutorId(name),
        container_id=ContainerId("c-" + name),
        directory=directory,
        built_in=True,
        delivered=True,
        state=RUNNING,
        launched=WALL,
    )


def executor(directory: str) -> Executor:
    """A custom executor."""
    return Executor(
        framework_id=F,
        info=ExecutorInfo(executor_id=ExecutorID(value="e"), name="mine"),
        container_id=ContainerId("c-e"),
        directory=directory,
        launched=WALL,
    )


class PageTests(SynchronousTestCase):
    """What an agent tells of itself."""

    def setUp(self) -> None:
        self.world = AgentWorld("/nowhere")

    def test_state(self) -> None:
        """A command task is an executor of its own, by the name that clients take apart."""
        state = self.world.get("/slave(1)/state.json").json
        self.assertEqual(state["pid"], "slave(1)@10.0.1.1:5051")
        self.assertEqual(state["resources"]["cpus"], 4.0)
        self.assertEqual(state["unreserved_resources_allocated"]["cpus"], 0.1)
        custom, command = state["frameworks"][0]["executors"]
        self.assertEqual((custom["id"], custom["name"], custom["type"]), ("e", "mine", "CUSTOM"))
        self.assertEqual(command["name"], "Command Executor (Task: t1) (Command: sh -c 'sleep 1')")
        self.assertEqual(command["container"], "c-t1")
        self.assertEqual(command["tasks"][0]["executor_id"], "")

    def test_containers(self) -> None:
        """Containers are chosen by id, framework or executor; statistics leave the id out."""
        self.assertEqual(len(self.world.get("/containers").json), 2)
        (one,) = self.world.get("/containers?container_id=c-e").json
        self.assertEqual(one["status"]["container_id"], {"value": "c-e"})
        self.assertEqual(self.world.get("/containers?framework_id=x").json, [])
        statistics = self.world.get("/monitor/statistics.json").json
        self.assertNotIn("container_id", statistics[0])
        self.assertEqual(statistics[0]["statistics"]["cpus_limit"], 0.1)

    def test_metrics(self) -> None:
        """Names are those of Mesos."""
        self.world.feed.publish([Counted("containerizer/fetcher/task_fetches_failed")])
        metrics = self.world.get("/metrics/snapshot").json
        self.assertEqual(metrics["containerizer/fetcher/task_fetches_failed"], 1)
        self.assertEqual(metrics["containerizer/fetcher/task_fetches_succeeded"], 0)
        self.assertEqual(metrics["slave/tasks_running"], 1)
        self.assertEqual(metrics["slave/executors_registering"], 1)
        self.assertEqual(list(metrics), sorted(metrics))

    def test_virtual_paths(self) -> None:
        """Each run is shown under its container's id and as the latest."""
        self.assertEqual(
            shown_paths(self.world.feed.view, "/var/log/agent")["/slave/log"], "/var/log/agent"
        )
        shown = self.world.get("/files/debug").json
        self.assertEqual(shown["/frameworks/f/executors/t1/runs/c-t1"], "/nowhere")
        self.assertEqual(shown["/frameworks/f/executors/e/runs/latest"], "/nowhere/e")


class ExecutorTests(SynchronousTestCase):
    """``POST /api/v1/executor``."""

    def setUp(self) -> None:
        self.world = AgentWorld("/nowhere")

    def post(self, kind: str, visit: Visit | None = None, **more: object) -> Answer:
        ids = {"framework_id": {"value": "f"}, "executor_id": {"value": "e"}}
        body = msgspec.json.encode({**ids, "type": kind, **more})
        where = visit if visit is not None else self.world.visit()
        return where.ask("POST", "/api/v1/executor", body, JSON)

    def test_unknown(self) -> None:
        """Frameworks and executors that are not here are told apart."""
        answer = self.post("HEARTBEAT", framework_id={"value": "x"})
        self.assertEqual((answer.code, answer.text), (400, "Framework cannot be found"))
        answer = self.post("HEARTBEAT", executor_id={"value": "x"})
        self.assertEqual((answer.code, answer.text), (400, "Executor cannot be found"))

    def test_conversation(self) -> None:
        """Calls count only once subscribed; events are records of the stream."""
        answer = self.post("HEARTBEAT")
        self.assertEqual((answer.code, answer.text), (403, "Executor is not subscribed"))
        visit = self.world.visit()
        answer = self.post("SUBSCRIBE", visit, subscribe={})
        self.assertEqual(answer.code, 200)
        self.assertNotIn("mesos-stream-id", answer.headers)
        (peer,) = self.world.exchange.peers
        self.assertEqual((peer.role, peer.id), ("executor", "f/e"))
        self.assertEqual(self.post("HEARTBEAT").code, 202)
        self.assertEqual(self.post("MESSAGE", message={"data": "aGk="}).code, 202)
        self.assertEqual(
            [said for _, said in self.world.exchange.said],
            [
                executor_calls.Subscribe(),
                executor_calls.Heartbeat(),
                executor_calls.Message(data=b"hi"),
            ],
        )
        kill = executor_events.Kill(task_id=TaskID(value="t"), kill_policy=KillPolicy())
        self.world.exchange.send(LinkId(1), [kill])
        (record,) = Records().take(visit.now().body)
        self.assertEqual(msgspec.json.decode(record)["kill"]["task_id"], {"value": "t"})
        visit.hang_up()
        self.assertEqual(self.post("HEARTBEAT").code, 403)

    def test_text_of_validation(self) -> None:
        """What a call lacks is said in Mesos' words."""
        answer = self.post("UPDATE")
        self.assertEqual(answer.code, 400)
        self.assertEqual(
            answer.text, "Failed to validate Executor::Call: Expecting 'update' to be present"
        )


class FilesTests(SynchronousTestCase):
    """``/files`` over a real sandbox."""

    def setUp(self) -> None:
        self.top = Path(self.mktemp())
        self.box = self.top / "box"
        (self.box / "sub").mkdir(parents=True)
        (self.box / "stdout").write_bytes(b"hello \xff\n")
        (self.box / "page.html").write_text("<script>")
        (self.top / "secret").write_text("key")
        self.world = AgentWorld(str(self.box.absolute()))
        self.base = "/frameworks/f/executors/t1/runs/latest"

    def test_browse(self) -> None:
        """A directory is listed by name under the path that was asked for."""
        entries = self.world.get(f"/files/browse?path={self.base}").json
        self.assertEqual(
            [one["path"] for one in entries],
            [f"{self.base}/page.html", f"{self.base}/stdout", f"{self.base}/sub"],
        )
        self.assertEqual(entries[1]["size"], 8)
        self.assertTrue(entries[2]["mode"].startswith("drwx"))
        self.assertIsInstance(entries[1]["uid"], str)

    def test_real_paths(self) -> None:
        """A sandbox may be named by where it really is."""
        answer = self.world.get(f"/files/read?path={self.box.absolute()}/stdout&offset=0")
        self.assertEqual(answer.json, {"offset": 0, "data": "hello \N{REPLACEMENT CHARACTER}\n"})

    def test_read(self) -> None:
        """The size by offset -1, a part by offset and length, nothing behind the end."""
        path = f"/files/read?path={self.base}/stdout"
        self.assertEqual(self.world.get(path).json, {"offset": 8, "data": ""})
        self.assertEqual(
            self.world.get(path + "&offset=1&length=3").json, {"offset": 1, "data": "ell"}
        )
        self.assertEqual(self.world.get(path + "&offset=99").json, {"offset": 99, "data": ""})
        huge = 10**30
        self.assertEqual(self.world.get(f"{path}&offset={huge}").json["data"], "")
        for wrong in ("offset=-2", "offset=x", "length=-5"):
            self.assertEqual(self.world.get(f"{path}&{wrong}").code, 400, wrong)

    def test_read_is_bounded(self) -> None:
        """One answer has 64 KB at most, whatever is asked."""
        (self.box / "big").write_bytes(b"x" * 200_000)
        answer = self.world.get(f"/files/read?path={self.base}/big&offset=0&length=150000")
        self.assertEqual(len(answer.json["data"]), READ_BYTES_MAX)

    def test_download(self) -> None:
        """A file comes whole, as an attachment that no browser runs in our origin."""
        answer = self.world.get(f"/files/download?path={self.base}/page.html")
        self.assertEqual(answer.body, b"<script>")
        self.assertEqual(answer.headers["content-disposition"], 'attachment; filename="page.html"')
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        self.assertEqual(self.world.get(f"/files/download?path={self.base}/sub").code, 400)

    def test_large_downloads(self) -> None:
        """A large file is written in pieces, and whole."""
        (self.box / "big").write_bytes(b"0123456789" * 100_000)
        answer = self.world.get(f"/files/download?path={self.base}/big")
        self.assertEqual(len(answer.body), 1_000_000)

    def test_escapes(self) -> None:
        """Dots, links and NULs do not lead out of the sandbox."""
        os.symlink(self.top.absolute() / "secret", self.box / "link")
        os.symlink(self.top.absolute(), self.box / "up")
        os.symlink("stdout", self.box / "inside")
        for path in (
            "/../../secret",
            "/sub/../../secret",
            "/link",
            "/up/secret",
            "/%2e%2e/secret",
            "/sub/..",
        ):
            answer = self.world.get(f"/files/read?path={self.base}{path}&offset=0")
            self.assertEqual(answer.code, 404, path)
            self.assertNotIn(b"key", answer.body)
        self.assertEqual(self.world.get(f"/files/read?path={self.base}/x%00y").code, 400)
        self.assertEqual(
            self.world.get(f"/files/read?path={self.base}/inside&offset=0&length=5").json["data"],
            "hello",
        )
        for path in ("/etc/passwd", "etc/passwd", "/", "//etc/passwd", str(self.top.absolute())):
            self.assertEqual(self.world.get(f"/files/read?path={path}").code, 404, path)

    def test_special_files(self) -> None:
        """A pipe would be read for ever: it is refused."""
        os.mkfifo(self.box / "pipe")
        self.assertEqual(self.world.get(f"/files/read?path={self.base}/pipe&offset=0").code, 400)
        self.assertEqual(self.world.get(f"/files/download?path={self.base}/pipe").code, 400)

    def test_no_path(self) -> None:
        """A path must be named; old names of the pages work."""
        answer = self.world.get("/files/browse")
        self.assertEqual((answer.code, answer.text), (400, "Expecting 'path=value' in query.\n"))
        self.assertEqual(self.world.get(f"/files/browse.json?path={self.base}").code, 200)
        jsonp = self.world.get(f"/files/read.json?path={self.base}/stdout&jsonp=f")
        self.assertEqual(jsonp.text, 'f({"offset":8,"data":""});')
