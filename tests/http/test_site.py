"""The rest of a master's site: basics, metrics, single tasks, the dashboard, agents' files."""

from __future__ import annotations

from pathlib import Path

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IResponse

from mesostw.core.master.changes import AgentChanged, TaskChanged
from mesostw.core.master.words import TaskKillAsked, TeardownAsked
from mesostw.core.outcome import Refusal
from mesostw.http.metrics import registrar_metrics
from mesostw.http.serving import REQUEST_TIMEOUT_S
from tests.http.test_agent import AgentWorld
from tests.http.world import MasterWorld, agent, small_cluster, task


class BasicsTests(SynchronousTestCase):
    """What every master answers, leader or not."""

    def setUp(self) -> None:
        self.world = MasterWorld()
        self.world.publish(*small_cluster())

    def test_version(self) -> None:
        """Three dotted integers and nothing behind them: clients take them apart."""
        version = self.world.get("/version").json["version"]
        self.assertEqual([int(part) for part in version.split(".")], [1, 11, 0])

    def test_health_and_flags(self) -> None:
        """Health is 200 and nothing; flags are texts by name."""
        self.assertEqual(self.world.get("/health").body, b"")
        self.assertEqual(self.world.get("/master/flags").json, {"flags": {"port": "5050"}})
        self.assertEqual(self.world.get("/health").headers["server"], "mesostw")

    def test_redirect(self) -> None:
        """It leads to the leader, this master too."""
        answer = self.world.get("/master/redirect")
        self.assertEqual((answer.code, answer.headers["location"]), (307, "//10.0.0.1:5050"))
        self.world.leader = None
        self.assertEqual(self.world.get("/redirect").code, 503)

    def test_metrics(self) -> None:
        """The names that dashboards and alerts use are there, sorted."""
        metrics = self.world.get("/metrics/snapshot?timeout=5secs").json
        self.assertEqual(list(metrics), sorted(metrics))
        for name, value in (
            ("master/elected", 1),
            ("master/slaves_active", 1),
            ("master/tasks_running", 1),
            ("master/tasks_finished", 1),
            ("master/frameworks_connected", 1),
            ("master/outstanding_offers", 1),
            ("master/cpus_total", 4.0),
            ("master/cpus_used", 0.6),
            ("master/uptime_secs", 60.0),
        ):
            self.assertEqual(metrics[name], value, name)
        self.assertIn("system/load_1min", metrics)
        self.assertEqual(self.world.get("/metrics/snapshot?timeout=soon").code, 400)

    def test_prometheus(self) -> None:
        """Each metric has a type; frameworks and agents have labels."""
        text = self.world.get("/metrics").text
        self.assertIn(
            "# TYPE mesos_master_tasks_running gauge\nmesos_master_tasks_running 1\n", text
        )
        self.assertIn("# TYPE mesos_master_tasks_finished counter\n", text)
        labels = '{framework="m-1-0001",name="app1",state="TASK_RUNNING"}'
        self.assertIn(f"mesostw_framework_tasks{labels} 1\n", text)
        self.assertIn('mesostw_agent_cpus_used{agent="m-1-S1",hostname="host1"} 0.6\n', text)

    def test_numbers_of_its_seat(self) -> None:
        """What never goes down is a counter; a store is told of under names of Mesos too."""
        self.world.counted = {"store/appends_total": 3, "store/appends_waiting": 1}
        for path in ("/metrics", "/metrics/prometheus"):
            text = self.world.get(path).text
            self.assertIn("# TYPE mesos_store_appends_total counter\n", text)
            self.assertIn("# TYPE mesos_store_appends_waiting gauge\n", text)
        numbers = {"store/append_seconds_last": 0.004, "store/log_bytes": 9, **self.world.counted}
        found = registrar_metrics(numbers)
        self.assertEqual(found["registrar/queued_operations"], 1)
        self.assertEqual(found["registrar/state_store_ms"], 4.0)
        self.assertEqual(found["registrar/state_store_ms/count"], 3)
        self.assertEqual(found["registrar/registry_size_bytes"], 9)

    def test_stats(self) -> None:
        """The machine's own numbers."""
        self.assertGreater(self.world.get("/system/stats.json").json["mem_total_bytes"], 0)

    def test_access_log(self) -> None:
        """One line a request, dated by the wall clock; what a client sends cannot break it."""
        self.world.get("/health", User_Agent='x" \\ \x01')
        (line,) = self.world.lines
        self.assertEqual(
            line,
            '10.0.0.9 - - [21/Sep/2026:14:13:20 +0000] "GET /health HTTP/1.1" 200 - "-" '
            r'"x\x22 \x5c \x01"',
        )

    def test_slow_requests(self) -> None:
        """A request that dribbles in for a minute is dropped; nobody else is held up."""
        visit = self.world.visit()
        visit.raw(b"GET /health HTTP/1.1\r\n")
        for _ in range(int(REQUEST_TIMEOUT_S / 2) + 1):
            visit.channel.dataReceived(b"X: y\r\n")  # type: ignore[union-attr]
            self.world.clock.advance(2)
        self.assertTrue(visit.transport.disconnected)
        self.assertEqual(self.world.get("/health").code, 200)

    def test_idle_connections(self) -> None:
        """A connection without a request is closed."""
        visit = self.world.visit()
        self.world.clock.advance(61)
        self.assertTrue(visit.transport.disconnecting)


class TaskTests(SynchronousTestCase):
    """One task, and operators' actions."""

    def setUp(self) -> None:
        self.world = MasterWorld()
        self.world.publish(*small_cluster())

    def test_timeline(self) -> None:
        """A task's row and its statuses; a completed one too."""
        told = self.world.get("/api/v1/tasks/m-1-0001/t2").json
        self.assertEqual(
            (told["id"], told["state"], told["active"]), ("t2", "TASK_FINISHED", False)
        )
        self.assertEqual(told["statuses"][0]["state"], "TASK_FINISHED")
        self.assertEqual(
            told["sandbox"], "/frameworks/m-1-0001/executors/t2/runs/latest", told["sandbox"]
        )
        answer = self.world.get("/api/v1/tasks/m-1-0001/nope")
        self.assertEqual((answer.code, answer.text), (404, "No such task.\n"))

    def test_kill(self) -> None:
        """A kill is asked of the core, and its refusal told."""
        visit = self.world.visit()
        self.assertEqual(visit.ask("POST", "/api/v1/tasks/m-1-0001/t1/kill").code, 202)
        self.assertIsInstance(self.world.inbox.asked[0], TaskKillAsked)
        self.world.inbox.answer = Refusal("conflict", "it is ending")
        answer = self.world.visit().ask("POST", "/api/v1/tasks/m-1-0001/t1/kill")
        self.assertEqual((answer.code, answer.text), (409, "it is ending"))

    def test_other_origins_change_nothing(self) -> None:
        """A page of another site cannot use an operator's browser."""
        for path, body in (
            ("/api/v1/tasks/m-1-0001/t1/kill", b""),
            ("/teardown", b"frameworkId=m-1-0001"),
        ):
            headers = {
                "Origin": "http://evil.example",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            self.assertEqual(self.world.visit().ask("POST", path, body, headers).code, 403)
        self.assertEqual(self.world.inbox.asked, [])

    def test_teardown(self) -> None:
        """A framework is ended by a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.world.visit().ask(
            "POST", "/master/teardown", b"frameworkId=m-1-0001", headers
        )
        self.assertEqual(answer.code, 200)
        self.assertIsInstance(self.world.inbox.asked[0], TeardownAsked)
        answer = self.world.visit().ask("POST", "/teardown", b"x=1", headers)
        self.assertEqual(answer.code, 400)

    def test_snapshot(self) -> None:
        """A topic by column, compressed if wanted, and not sent again if nothing changed."""
        answer = self.world.get("/api/v1/snapshot/tasks")
        body = answer.json
        self.assertEqual(body["n"], 2)
        states = body["enums"]["state"]
        self.assertEqual(
            [states[n] for n in body["cols"]["state"]], ["TASK_RUNNING", "TASK_FINISHED"]
        )
        self.assertEqual(body["cols"]["command"], ["sleep 1", "sleep 1"])
        tag = answer.headers["etag"]
        self.assertEqual(self.world.get("/api/v1/snapshot/tasks", If_None_Match=tag).code, 304)
        self.world.publish(*(TaskChanged(task(n)) for n in range(100)))
        self.world.clock.advance(2)
        packed = self.world.get("/api/v1/snapshot/tasks", Accept_Encoding="gzip")
        self.assertEqual(packed.headers.get("content-encoding"), "gzip")
        self.assertEqual(self.world.get("/api/v1/snapshot/nonsense").code, 404)


class DashboardTests(SynchronousTestCase):
    """The built page and its files."""

    def setUp(self) -> None:
        files = Path(self.mktemp())
        (files / "assets").mkdir(parents=True)
        (files / "index.html").write_text("<!doctype html>")
        (files / "assets" / "app-B3xz81_q.js").write_text("run()")
        (files / "assets" / "app-B3xz81_q.js.gz").write_bytes(b"packed")
        self.world = MasterWorld(webfiles=files)

    def test_page(self) -> None:
        """The page is looked at again each time, and runs nothing of others."""
        answer = self.world.get("/")
        self.assertEqual(answer.text, "<!doctype html>")
        self.assertEqual(answer.headers["cache-control"], "no-cache")
        self.assertIn("frame-ancestors 'none'", answer.headers["content-security-policy"])

    def test_assets(self) -> None:
        """A name with a hash lasts for ever; the compressed form is served to who takes it."""
        answer = self.world.get("/assets/app-B3xz81_q.js")
        self.assertIn("immutable", answer.headers["cache-control"])
        self.assertEqual(answer.text, "run()")
        packed = self.world.get("/assets/app-B3xz81_q.js", Accept_Encoding="gzip, br")
        self.assertEqual(packed.body, b"packed")
        self.assertIn("javascript", packed.headers["content-type"])

    def test_nothing_else(self) -> None:
        """What the build did not make is not there."""
        for path in ("/assets/../../setup.py", "/assets/nope.js", "/index.php"):
            self.assertEqual(self.world.get(path).code, 404, path)

    def test_not_built(self) -> None:
        """Without a build the page says how to make one, and the API answers."""
        world = MasterWorld(webfiles=Path(self.mktemp()))
        self.assertIn("not built", world.get("/").text)
        self.assertEqual(world.get("/state").code, 200)


class NoWeb:
    """Every agent refuses connections."""

    def request(self, *args: object, **named: object) -> Deferred[IResponse]:
        return fail(Refused("refused"))


class ProxyTests(SynchronousTestCase):
    """An agent's files through the master's origin."""

    def setUp(self) -> None:
        box = Path(self.mktemp())
        box.mkdir()
        (box / "stdout").write_text("hello")
        self.box = box
        self.agent = AgentWorld(str(box.absolute()))
        self.web = RequestTraversalAgent(self.agent.site.resource)
        self.world = MasterWorld(web=self.web)
        self.world.publish(*small_cluster())
        self.base = "/api/v1/agents/m-1-S1/files"
        self.path = "/frameworks/f/executors/t1/runs/latest"

    def get(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        visit = self.world.visit()
        visit.ask("GET", path)
        for _ in range(10):
            self.web.flush()
            self.world.clock.advance(0)
        answer = visit.now()
        return answer.code, answer.body, answer.headers

    def test_read(self) -> None:
        """A read, a listing and a download come as the agent gave them."""
        code, body, _ = self.get(f"{self.base}/read?path={self.path}/stdout&offset=0")
        self.assertEqual((code, body), (200, b'{"offset":0,"data":"hello"}'))
        self.assertEqual(self.get(f"{self.base}/browse?path={self.path}")[0], 200)
        code, body, headers = self.get(f"{self.base}/download?path={self.path}/stdout")
        self.assertEqual((code, body), (200, b"hello"))
        self.assertIn("attachment", headers["content-disposition"])
        self.assertEqual(headers["content-security-policy"], "sandbox")

    def test_errors_pass(self) -> None:
        """What the agent refuses is refused with its own status."""
        self.assertEqual(self.get(f"{self.base}/read?path=/etc/passwd")[0], 404)
        self.assertEqual(self.get(f"{self.base}/read")[0], 400)

    def test_what_is_passed_on(self) -> None:
        """Only three pages of known agents."""
        for path in (
            "/api/v1/agents/nobody/files/read?path=/x",
            "/api/v1/agents/m-1-S1/files/debug",
            "/api/v1/agents/m-1-S1/state",
            "/api/v1/agents/m-1-S1/files/read/more",
            "/api/v1/agents",
        ):
            self.assertEqual(self.get(path)[0], 404, path)
        self.world.publish(AgentChanged(agent(1, address="")))
        self.assertEqual(self.get(f"{self.base}/read?path=/x")[0], 404)

    def test_silent_agents(self) -> None:
        """An agent that does not answer is 502 with the reason."""
        world = MasterWorld(web=NoWeb())
        world.publish(*small_cluster())
        answer = world.get(f"{self.base}/read?path=/x")
        self.assertEqual(answer.code, 502)
        self.assertIn("does not answer", answer.text)
