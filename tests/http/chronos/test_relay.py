"""A Chronos that does not lead passes requests on to the one that does."""

from __future__ import annotations

from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from mesostw.core.chronos.words import Kept
from mesostw.core.framework.refusing import Unfit
from mesostw.http.chronos.parts import ChronosIdentity
from tests.http.chronos.world import ADDRESS, WALL, ChronosWorld, job

LEADER = "10.0.0.2:4400"


class Web:
    """Carries requests to a site in memory, and remembers them."""

    def __init__(self, world: ChronosWorld) -> None:
        self.world = world
        self.asked: list[tuple[bytes, bytes, Headers]] = []

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: Any = None,
    ) -> Deferred[IResponse]:
        assert headers is not None
        self.asked.append((method, uri, headers))
        agent = RequestTraversalAgent(self.world.site.resource)
        answer: Deferred[IResponse] = agent.request(method, uri, headers, bodyProducer)
        for _ in range(5):
            agent.flush()
            self.world.clock.advance(0)
        return answer


class RelayTests(SynchronousTestCase):
    """Two; the second leads and has a job."""

    def setUp(self) -> None:
        self.other = ChronosWorld(identity=ChronosIdentity(address=LEADER, started=WALL))
        self.web = Web(self.other)
        self.world = ChronosWorld(web=self.web)
        self.world.leader = LEADER
        self.other.add(job("a b"))

    def test_read(self) -> None:
        """The leader's answer comes as it is; who passed the request on has signed it."""
        got = self.world.get("/v1/scheduler/job/a%20b")
        self.assertEqual((got.code, got.json["name"]), (200, "a b"))
        _, uri, headers = self.web.asked[0]
        self.assertEqual(uri, b"http://10.0.0.2:4400/v1/scheduler/job/a%20b")
        self.assertEqual(headers.getRawHeaders("X-Chronos-Via"), [ADDRESS])
        self.assertEqual(self.world.get("/scheduler/leader").json, {"leader": LEADER})

    def test_change(self) -> None:
        """Bodies, headers and statuses are passed on, also those of what is refused."""
        document = {"name": "n", "schedule": "R//PT1H"}
        self.other.answering(Kept(job("n"), True, ignored=("x",)), Unfit("invalid", "no command"))
        done = self.world.ask("POST", "/v1/scheduler/iso8601", document)
        self.assertEqual((done.code, done.body), (204, b""))
        self.assertIn("x", done.headers["warning"])
        wrong = self.world.ask("POST", "/v1/scheduler/iso8601", document)
        self.assertEqual((wrong.code, wrong.json["message"]), (400, "no command"))
        self.assertEqual(self.other.core.asked[0].document, document)
        self.assertEqual(self.world.core.asked, [])
