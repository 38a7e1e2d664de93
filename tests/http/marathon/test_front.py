"""What every answer has, who may ask, and the daemon's own pages."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.static import Data

from mesostw.core.marathon.changes import RegistrationKept
from mesostw.core.marathon.records import Registration
from mesostw.http.marathon.info import CONFIG_KEYS
from mesostw.http.marathon.parts import MarathonIdentity
from mesostw.http.serving import BODY_BYTES_MAX
from mesostw.model.ids import FrameworkId
from tests.core.marathon.builders import app, instance
from tests.http.marathon.world import ADDRESS, MarathonWorld
from tests.http.world import WALL


class HeadersTests(SynchronousTestCase):
    """Headers that clients look at."""

    def setUp(self) -> None:
        self.world = MarathonWorld()

    def test_always(self) -> None:
        """Nothing is cached, nobody frames us, and a leader says that it leads."""
        for path in ("/v2/apps", "/ping", "/nope"):
            headers = self.world.get(path).headers
            self.assertEqual(headers["cache-control"], "no-cache, no-store, must-revalidate")
            self.assertEqual((headers["pragma"], headers["expires"]), ("no-cache", "0"))
            self.assertEqual(headers["x-marathon-leader"], f"http://{ADDRESS}")
            self.assertEqual(headers["x-frame-options"], "DENY")
            self.assertEqual(headers["x-xss-protection"], "1; mode=block")
            self.assertNotIn("etag", headers)
            self.assertNotIn("access-control-allow-origin", headers)

    def test_head(self) -> None:
        """HEAD is GET without its body."""
        whole, head = self.world.get("/v2/apps"), self.world.ask("HEAD", "/v2/apps")
        self.assertEqual((head.code, head.body), (200, b""))
        self.assertEqual(head.headers["content-length"], whole.headers["content-length"])

    def test_gzip(self) -> None:
        """Bodies are compressed for who takes that, small ones are not."""
        one = app("/a")
        self.world.add(one, *(instance(one, number=number) for number in range(3_000)))
        plain = self.world.get("/v2/tasks")
        packed = self.world.get("/v2/tasks", accept_encoding="gzip, deflate")
        self.assertEqual(packed.headers["content-encoding"], "gzip")
        self.assertEqual(packed.headers["content-length"], str(len(packed.body)))
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertGreater(len(plain.body), 500_000)
        small = self.world.get("/v2/leader", accept_encoding="gzip")
        self.assertNotIn("content-encoding", small.headers)

    def test_never_compressed(self) -> None:
        """An operator may say that nothing is compressed."""
        answer = MarathonWorld(compress=False).get("/help", accept_encoding="gzip")
        self.assertNotIn("content-encoding", answer.headers)
        self.assertGreater(len(answer.body), 512)

    def test_options(self) -> None:
        """OPTIONS says what a path does."""
        answer = self.world.ask("OPTIONS", "/v2/queue")
        self.assertEqual(
            (answer.code, answer.headers["allow"]), (200, "DELETE, GET, HEAD, OPTIONS")
        )

    def test_too_large(self) -> None:
        """A body over the limit is 413."""
        self.assertEqual(self.world.ask("POST", "/v2/apps", b" " * (BODY_BYTES_MAX + 1)).code, 413)

    def test_recovering(self) -> None:
        """Before the store has been read there is nothing to tell."""
        self.world.feed.epoch = ""
        self.assertEqual(self.world.get("/v2/apps").code, 503)
        self.assertEqual(self.world.get("/ping").code, 200)


class OriginTests(SynchronousTestCase):
    """Pages of other origins."""

    PAGE: Mapping[str, str] = {"Origin": "http://page"}

    def test_told(self) -> None:
        """Pages read here only if an operator said so."""
        world = MarathonWorld(allowed_origins=("http://page",))
        headers = {**self.PAGE, "Access-Control-Request-Headers": "X-Mine"}
        answer = world.ask("OPTIONS", "/v2/apps", headers=headers)
        self.assertEqual(answer.code, 200)
        self.assertEqual(
            {key: value for key, value in answer.headers.items() if key.startswith("access")},
            {
                "access-control-allow-origin": "http://page",
                "access-control-allow-methods": "GET, HEAD, OPTIONS",
                "access-control-allow-headers": "X-Mine",
                "access-control-max-age": "86400",
            },
        )

    def test_everyone(self) -> None:
        """A star is told as a star."""
        world = MarathonWorld(allowed_origins=("*",))
        answer = world.ask("GET", "/v2/apps", headers=self.PAGE)
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")

    def test_changing(self) -> None:
        """No page of another origin changes anything, whatever it may read."""
        world = MarathonWorld(allowed_origins=("*",))
        answer = world.ask("DELETE", "/v2/groups", headers=self.PAGE)
        self.assertEqual(answer.code, 403)
        self.assertEqual(world.core.asked, [])
        for own in ({"Origin": "http://master:5050"}, {**self.PAGE, "X-Forwarded-Host": "page"}):
            world.answering(None)
            self.assertEqual(world.ask("DELETE", "/v2/queue/a/delay", headers=own).code, 204)

    def test_preflight(self) -> None:
        """Browsers ask first, without credentials; only that is answered without them."""
        world = MarathonWorld(allowed_origins=("http://page",), credentials="ann:s")
        wanted = {**self.PAGE, "Access-Control-Request-Method": "GET"}
        self.assertEqual(world.ask("OPTIONS", "/v2/apps", headers=wanted).code, 200)
        self.assertEqual(world.ask("OPTIONS", "/v2/apps", headers=self.PAGE).code, 401)
        answer = world.ask("GET", "/v2/apps", headers=wanted)
        self.assertEqual(answer.code, 401)
        self.assertEqual(answer.headers["access-control-allow-origin"], "http://page")


class CredentialTests(SynchronousTestCase):
    """``--http_credentials``."""

    def setUp(self) -> None:
        self.world = MarathonWorld(credentials="ann:s:cret")

    def code(self, path: str, given: str | None, scheme: str = "Basic") -> int:
        named = {} if given is None else {"Authorization": f"{scheme} {given}"}
        return self.world.ask("GET", path, headers=named).code

    def test_right(self) -> None:
        """User and password, the scheme in any case."""
        right = b64encode(b"ann:s:cret").decode()
        for scheme in ("Basic", "basic"):
            self.assertEqual(self.code("/v2/apps", right, scheme), 200)
        self.assertEqual(self.code("/ui/", right), 200)

    def test_wrong(self) -> None:
        """Anything else is 401 and says what is wanted; the dashboard and events too."""
        wrong = b64encode(b"ann:other").decode()
        for path in ("/v2/apps", "/ui/", "/v2/events", "/metrics", "/nope"):
            for given in (None, wrong, "???", ""):
                self.assertEqual(self.code(path, given), 401)
        self.assertEqual(self.code("/v2/apps", b64encode(b"ann:s:cret").decode(), "Bearer"), 401)
        answer = self.world.get("/v2/apps")
        self.assertEqual(answer.headers["www-authenticate"], 'Basic realm="Mesosphere"')
        self.assertEqual(answer.json, {"message": "Invalid username or password"})

    def test_ping(self) -> None:
        """Whoever only asks whether we are here needs none."""
        self.assertEqual(self.code("/ping", None), 200)


class PathTests(SynchronousTestCase):
    """What is where, and what is nowhere."""

    def setUp(self) -> None:
        self.world = MarathonWorld()

    def test_unknown(self) -> None:
        """404 as JSON."""
        for path in ("/nope", "/v2", "/v1/apps", "/v2/nope", "/v3/apps", "/public/x"):
            answer = self.world.get(path)
            self.assertEqual((answer.code, answer.json), (404, {"message": "URI not found"}))

    def test_gone(self) -> None:
        """What the original dropped is 404 with its name."""
        for name in ("artifacts", "eventSubscriptions", "schemas"):
            for method in ("GET", "POST"):
                answer = self.world.ask(method, f"/v2/{name}", {})
                self.assertEqual(answer.code, 404)
                self.assertIn(name, answer.json["message"])

    def test_pods(self) -> None:
        """There are no pods, and none is made: who asks for the feature is told no."""
        self.assertEqual(self.world.ask("HEAD", "/v2/pods").code, 404)
        self.assertEqual(self.world.get("/v2/pods").json, [])
        self.assertEqual(self.world.get("/v2/pods/::status").json, [])
        self.assertEqual(self.world.ask("POST", "/v2/pods", {"id": "/p"}).code, 501)
        for path in ("/v2/pods/a/p", "/v2/pods/a/p::status"):
            answer = self.world.get(path)
            self.assertEqual(
                (answer.code, answer.json), (404, {"message": "Pod '/a/p' does not exist"})
            )

    def test_plugins(self) -> None:
        """There are no plugins."""
        self.assertEqual(self.world.get("/v2/plugins").json, {"plugins": []})
        answer = self.world.ask("PUT", "/v2/plugins/x/path", {})
        self.assertEqual(answer.json, {"message": "No plugin with this pluginId: x"})
        self.assertEqual(self.world.ask("POST", "/v2/plugins", {}).code, 405)

    def test_busy(self) -> None:
        """Over the limit of requests at a time it is 503, and a request that ends makes room."""
        world = MarathonWorld(requests_max=1)
        world.leader = None
        waiting = world.visit()
        waiting.raw(b"GET /v2/apps HTTP/1.1\r\nHost: m\r\n\r\n")
        self.assertEqual(world.get("/v2/apps").code, 503)
        world.leader = ""
        world.clock.advance(1)
        self.assertEqual(waiting.now().code, 200)
        self.assertEqual(world.get("/v2/apps").code, 200)

    def test_cannot_prove_that_it_leads(self) -> None:
        """What it shows may be old then: of its tables nothing, of the dashboard's files all."""
        world = MarathonWorld(snapshots=Data(b"tables", "text/plain"))
        self.assertEqual(world.get("/api/v1/snapshot").body, b"tables")
        world.leader = None
        self.assertEqual(world.get("/api/v1/snapshot").code, 502)
        self.assertEqual(world.get("/ui/").code, 200)
        world.leader = ""
        self.assertEqual(world.get("/api/v1/snapshot").body, b"tables")


class PingTests(SynchronousTestCase):
    """``/ping``."""

    def test_kinds(self) -> None:
        """Text, unless JSON is what the client wants; nothing if it wants neither."""
        world = MarathonWorld()
        for accept, code, body in (
            (None, 200, b"pong"),
            ("*/*", 200, b"pong"),
            ("text/plain", 200, b"pong"),
            ("application/json", 200, b'"pong"'),
            ("image/png", 204, b""),
        ):
            headers = {} if accept is None else {"Accept": accept}
            answer = world.ask("GET", "/ping", headers=headers)
            self.assertEqual((answer.code, answer.body), (code, body))
        self.assertEqual(world.get("/ping/x").code, 404)


class InfoTests(SynchronousTestCase):
    """``/v2/info``, ``/v2/leader``, ``/config``."""

    def setUp(self) -> None:
        config = {"master": "zk://m", "mesos_leader_ui_url": "http://m:5050/", "ours": 1}
        identity = MarathonIdentity(address=ADDRESS, started=WALL, config=config, flags={"a": "b"})
        self.world = MarathonWorld(identity=identity)

    def test_info(self) -> None:
        """Exactly the keys that clients know; what is not there is left out."""
        info = self.world.get("/v2/info").json
        keys = {"name", "version", "buildref", "elected", "leader"}
        configs = {"marathon_config", "zookeeper_config", "http_config"}
        self.assertEqual(set(info), keys | configs)
        self.assertEqual((info["elected"], info["leader"]), (True, ADDRESS))
        self.assertEqual(info["http_config"], {"http_port": 8080, "https_port": 0})
        config = info["marathon_config"]
        self.assertLessEqual(set(config), CONFIG_KEYS)
        self.assertNotIn("mesos_user", config)
        self.assertEqual(config["mesos_leader_ui_url"], "http://m:5050/")
        self.assertEqual(config["decline_offer_duration"], 120_000)
        self.assertEqual(info["zookeeper_config"]["zk_max_versions"], 50)
        self.world.publish(RegistrationKept(Registration(FrameworkId("F-1"))))
        self.assertEqual(self.world.get("/v2/info").json["frameworkId"], "F-1")

    def test_leader(self) -> None:
        """Who leads; giving it up is answered before it happens."""
        self.assertEqual(self.world.get("/v2/leader").json, {"leader": ADDRESS})
        answer = self.world.ask("DELETE", "/v2/leader")
        self.assertEqual(answer.json, {"message": "Leadership abdicated"})
        self.assertEqual(self.world.abdications, 0)
        self.world.clock.advance(0.5)
        self.assertEqual(self.world.abdications, 1)
        answer = self.world.ask("DELETE", "/v2/leader?backup=file:///x")
        self.assertEqual(answer.code, 501)
        self.world.clock.advance(5)
        self.assertEqual(self.world.abdications, 1)

    def test_config(self) -> None:
        """Every flag."""
        self.assertEqual(self.world.get("/config").json, {"a": "b"})


class Levels:
    """A log whose levels can be changed, but not one of them."""

    def __init__(self) -> None:
        self.known = {"ROOT": "info"}

    def levels(self) -> Mapping[str, str]:
        return self.known

    def set_level(self, logger: str, level: str) -> None:
        if logger == "fixed":
            raise LookupError("it cannot be changed")
        self.known[logger] = level


class SystemTests(SynchronousTestCase):
    """``/metrics``, ``/logging``, ``/help`` and the dashboard."""

    def setUp(self) -> None:
        self.levels = Levels()
        self.world = MarathonWorld(levels=self.levels, counters=lambda: {"marathon.offers": 3})

    def test_metrics(self) -> None:
        """Numbers under their names, as JSON and for Prometheus."""
        one = app("/a")
        self.world.add(one, instance(one))
        metrics = self.world.get("/metrics").json
        self.assertEqual(
            set(metrics), {"version", "gauges", "counters", "histograms", "meters", "timers"}
        )
        self.assertEqual(metrics["gauges"]["marathon.instances.running.gauge"], {"value": 1})
        self.assertEqual(metrics["gauges"]["marathon.uptime.gauge.seconds"], {"value": 60.0})
        self.assertEqual(metrics["counters"], {"marathon.offers": {"count": 3}})
        text = self.world.get("/metrics/prometheus").text
        self.assertIn(
            "# TYPE marathon_apps_active_gauge gauge\nmarathon_apps_active_gauge 1\n", text
        )
        self.assertIn("# TYPE marathon_offers counter\n", text)

    def test_numbers_of_its_seat(self) -> None:
        """Its session, elections and store, under names like the others; time that it led."""
        world = MarathonWorld(
            numbers=lambda: {
                "store/appends_total": 7, "store/log_bytes": 9, "election/leading_seconds": 3.5
            }
        )  # fmt: skip
        metrics = world.get("/metrics").json
        gauges = metrics["gauges"]
        self.assertEqual(metrics["counters"]["marathon.store.appends.counter"], {"count": 7})
        self.assertEqual(gauges["marathon.store.log_bytes.gauge"], {"value": 9})
        self.assertEqual(gauges["marathon.leadership.duration.gauge.seconds"], {"value": 3.5})
        text = world.get("/metrics/prometheus").text
        self.assertIn("# TYPE marathon_store_appends_counter counter\n", text)

    def test_metrics_have_no_others(self) -> None:
        """What is not there is not found."""
        self.assertEqual(self.world.get("/metrics/other").code, 404)

    def test_logging(self) -> None:
        """A level is changed, and goes back by itself if that was asked."""
        wish = {"logger": "mesostw.core", "level": "DEBUG", "durationSeconds": 10}
        answer = self.world.ask("POST", "/logging", wish)
        self.assertEqual((answer.code, answer.json), (200, wish))
        self.assertEqual(self.world.get("/logging").json["mesostw.core"], "debug")
        self.world.clock.advance(11)
        self.assertEqual(self.levels.known["mesostw.core"], "info")

    def test_later_level_stays(self) -> None:
        """What was changed again meanwhile does not go back."""
        wish = {"logger": "x", "level": "debug", "durationSeconds": 10}
        self.world.ask("POST", "/logging", wish)
        self.world.ask("POST", "/logging", {"logger": "x", "level": "error"})
        self.world.clock.advance(11)
        self.assertEqual(self.levels.known["x"], "error")

    def test_bad_level(self) -> None:
        """What is wrong is named."""
        for body, path in (
            ({"level": "info"}, "/logger"),
            ({"logger": "x"}, "/level"),
            ({"logger": "x", "level": "loud"}, "/level"),
            ({"logger": 3, "level": "info"}, "/"),
            ({"logger": "x", "level": "info", "durationSeconds": 0}, "/"),
        ):
            answer = self.world.ask("POST", "/logging", body)
            self.assertEqual((answer.code, answer.json["details"][0]["path"]), (422, path))
        answer = self.world.ask("POST", "/logging", {"logger": "fixed", "level": "info"})
        self.assertEqual(
            (answer.code, answer.json), (422, {"message": "fixed: it cannot be changed"})
        )
        self.assertEqual(
            MarathonWorld().ask("POST", "/logging", {"logger": "a", "level": "info"}).code, 422
        )

    def test_help(self) -> None:
        """A page that lists what there is."""
        answer = self.world.get("/help")
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn("/v2/apps/ID/restart", answer.text)

    def test_dashboard(self) -> None:
        """``/`` leads to the dashboard, whose files say themselves how long they last."""
        files = Path(self.mktemp())
        (files / "assets").mkdir(parents=True)
        (files / "index.html").write_text("<p>page</p>")
        (files / "assets" / "app-B3xz81_q.js").write_text("run()")
        world = MarathonWorld(webfiles=files)
        answer = world.get("/")
        self.assertEqual((answer.code, answer.headers["location"]), (302, "/ui/"))
        answer = world.get("/ui")
        self.assertEqual((answer.code, answer.headers["location"]), (302, "ui/"))
        self.assertEqual(world.get("/ui/").text, "<p>page</p>")
        script = world.get("/ui/assets/app-B3xz81_q.js")
        self.assertEqual(script.text, "run()")
        self.assertIn("immutable", script.headers["cache-control"])
        self.assertNotIn("pragma", script.headers)
        self.assertEqual(world.get("/ui/nope.js").code, 404)
