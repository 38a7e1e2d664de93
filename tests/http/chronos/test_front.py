"""Who may ask Chronos, who answers, and what every answer has."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.outcome import Refusal
from mesostw.http.api.asking import ANSWER_TIMEOUT_S
from mesostw.http.api.front import LEADER_WAIT_S
from tests.http.chronos.world import ADDRESS, ChronosWorld, job

BASIC = {"authorization": "Basic YW5uOnNlY3JldA=="}


class FrontTests(SynchronousTestCase):
    """A Chronos alone."""

    def setUp(self) -> None:
        self.world = ChronosWorld()

    def test_ping(self) -> None:
        """It says that it is there."""
        got = self.world.get("/ping")
        self.assertEqual((got.code, got.text), (200, "pong"))

    def test_unknown(self) -> None:
        """Paths that are not there, and methods that a path has not, are told in JSON."""
        for path in ("/nope", "/scheduler", "/v1/scheduler/nope", "/v1/chronos/jobs/a/b/c"):
            got = self.world.get(path)
            self.assertEqual((got.code, got.json["status"]), (404, "Not Found"), path)
        got = self.world.ask("DELETE", "/v1/scheduler/jobs")
        self.assertEqual(got.code, 405)
        self.assertIn("GET", got.headers["allow"])

    def test_origins(self) -> None:
        """Every answer may be read by every page, also errors; pages may ask whether they may."""
        for path in ("/ping", "/v1/scheduler/jobs", "/nope"):
            got = self.world.get(path, origin="http://page")
            self.assertEqual(got.headers["access-control-allow-origin"], "*")
            self.assertEqual(self.world.get(path).headers["access-control-allow-origin"], "*")
        asked = {"origin": "http://page", "access-control-request-method": "GET"}
        got = self.world.ask("OPTIONS", "/v1/scheduler/jobs", headers=asked)
        self.assertEqual((got.code, got.headers["access-control-allow-origin"]), (200, "*"))

    def test_foreign_changes(self) -> None:
        """Pages of another origin change nothing: no browser let them, with the original."""
        got = self.world.ask("DELETE", "/v1/scheduler/job/a", headers={"origin": "http://page"})
        self.assertEqual((got.code, self.world.core.asked), (403, []))

    def test_credentials(self) -> None:
        """With credentials every path wants them, and says whose they are to be."""
        world = ChronosWorld(credentials="ann:secret")
        for path in ("/ping", "/v1/scheduler/jobs", "/metrics", "/v1/chronos/events", "/ui/"):
            got = world.get(path)
            self.assertEqual((got.code, got.json["status"]), (401, "Unauthorized"), path)
            self.assertEqual(got.headers["www-authenticate"], 'Basic realm="Mesosphere"')
        self.assertEqual(world.ask("GET", "/ping", headers=BASIC).code, 200)

    def test_recovering(self) -> None:
        """Before the store is read nothing is told of jobs."""
        self.world.feed.epoch = ""
        got = self.world.get("/v1/scheduler/jobs")
        self.assertEqual((got.code, got.headers["retry-after"]), (503, "3"))
        self.assertEqual(self.world.get("/ping").code, 200)

    def test_no_leader(self) -> None:
        """While nobody leads clients are told to come again, after some waiting."""
        self.world.leader = None
        visit = self.world.visit()
        visit.raw(b"GET /v1/scheduler/jobs HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(20):
            self.world.clock.advance(LEADER_WAIT_S / 10)
        got = visit.now()
        self.assertEqual((got.code, got.json["status"]), (503, "Service Unavailable"))
        self.assertEqual(got.headers["retry-after"], "3")

    def test_silence(self) -> None:
        """A core that does not answer, or stops, is told as not there at present."""
        self.world.core.silent = True
        visit = self.world.visit()
        visit.raw(b"PUT /v1/scheduler/job/a HTTP/1.1\r\nHost: x\r\n\r\n")
        self.world.clock.advance(ANSWER_TIMEOUT_S + 1)
        self.world.clock.advance(0)
        self.assertEqual(visit.now().code, 503)
        self.world.core.stopped = True
        self.assertEqual(self.world.ask("PUT", "/v1/scheduler/job/a").code, 503)

    def test_refusals(self) -> None:
        """What the driver refuses before the core hears of it is told with its status."""
        self.world.answering(Refusal("not_leading", "another Chronos leads"))
        got = self.world.ask("PUT", "/v1/scheduler/job/a")
        self.assertEqual((got.code, got.json["message"]), (503, "another Chronos leads"))

    def test_pages(self) -> None:
        """There are the flags, the levels of the log, a page of help, and a way to the rest."""
        self.assertEqual(self.world.get("/config").json, {"master": "10.0.0.1:5050"})
        self.assertEqual(self.world.get("/logging").json, {})
        self.assertIn("/v1/chronos", self.world.get("/help").text)
        self.assertEqual(self.world.get("/").headers["location"], "/ui/")

    def test_levels(self) -> None:
        """A level that cannot be changed is a fault of the request, with the reason."""
        got = self.world.ask("POST", "/logging", {"logger": "ROOT", "level": "debug"})
        self.assertEqual(got.code, 422)
        self.assertIn("cannot be changed", got.json["message"])


class RelayTests(SynchronousTestCase):
    """Another Chronos leads."""

    def test_circle(self) -> None:
        """A request that has been here already is going in a circle."""
        world = ChronosWorld()
        world.leader = "10.0.0.2:4400"
        got = world.get("/v1/scheduler/jobs", x_chronos_via=ADDRESS)
        self.assertEqual(got.code, 502)
        self.assertIn("loop", got.json["message"])

    def test_own(self) -> None:
        """What every Chronos answers for itself is not asked of the leader."""
        world = ChronosWorld()
        world.leader = "10.0.0.2:4400"
        for path in ("/ping", "/metrics", "/help", "/logging"):
            self.assertEqual(world.get(path).code, 200, path)
        self.assertEqual(world.get("/v1/scheduler/jobs").code, 502)

    def test_events(self) -> None:
        """The stream of events is the leader's: clients are sent there."""
        world = ChronosWorld()
        world.leader = "10.0.0.2:4400"
        got = world.get("/v1/chronos/events?job=a")
        self.assertEqual(got.code, 302)
        self.assertEqual(got.headers["location"], "http://10.0.0.2:4400/v1/chronos/events?job=a")


class SizeTests(SynchronousTestCase):
    """Many jobs."""

    def test_packed(self) -> None:
        """A long list is sent packed to who takes that."""
        world = ChronosWorld()
        world.add(*(job(f"job-{number}") for number in range(50)))
        got = world.get("/v1/scheduler/jobs", accept_encoding="gzip")
        self.assertEqual(got.headers["content-encoding"], "gzip")
        self.assertLess(len(got.body), 5_000)
