"""A Marathon that does not lead passes requests on."""

from __future__ import annotations

from typing import Any

from treq.testing import RequestTraversalAgent
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from mesostw.core.marathon.words import AppRemovalAsked, Planned
from mesostw.http.api.relay import READ_TIMEOUT_S
from mesostw.model.apps import DeploymentId
from tests.core.marathon.builders import V2, app
from tests.http.marathon.world import ADDRESS, MarathonWorld

LEADER = "10.0.0.2:8080"


class Web:
    """Carries requests to sites in memory, and remembers them."""

    def __init__(self) -> None:
        self.sites: dict[str, MarathonWorld] = {}
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
        world = self.sites[uri.split(b"/")[2].decode()]
        agent = RequestTraversalAgent(world.site.resource)
        answer: Deferred[IResponse] = agent.request(method, uri, headers, bodyProducer)
        for _ in range(5):
            agent.flush()
            world.clock.advance(0)
        return answer


class RelayTests(SynchronousTestCase):
    """Two Marathons; the second leads."""

    def setUp(self) -> None:
        self.web = Web()
        self.world, self.other = MarathonWorld(web=self.web), MarathonWorld(LEADER, web=self.web)
        self.web.sites.update({ADDRESS: self.world, LEADER: self.other})
        self.world.leader = LEADER
        self.other.add(app("/shop/db"))

    def test_read(self) -> None:
        """The leader's answer comes as it is, and says who leads."""
        answer = self.world.get("/v2/apps//shop/db?embed=app.tasks", accept_encoding="gzip")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.headers["x-marathon-leader"], f"http://{LEADER}")
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        _, uri, headers = self.web.asked[0]
        self.assertEqual(uri, b"http://10.0.0.2:8080/v2/apps//shop/db?embed=app.tasks")
        self.assertEqual(headers.getRawHeaders("X-Marathon-Via"), [ADDRESS])

    def test_change(self) -> None:
        """Methods, bodies, statuses and headers are passed on."""
        self.other.answering(Planned(V2, DeploymentId("d-7"), (app("/new"),)))
        answer = self.world.ask("POST", "/v2/apps", {"id": "/new"})
        self.assertEqual((answer.code, answer.headers["location"]), (201, "/v2/apps/new"))
        self.assertEqual(answer.json["id"], "/new")
        self.assertEqual(len(answer.headers["content-type"].split(",")), 1)
        self.other.answering(Planned(V2, DeploymentId("d-8")))
        answer = self.world.ask("DELETE", "/v2/apps/shop/db")
        self.assertEqual(answer.json["deploymentId"], "d-8")
        self.assertIsInstance(self.other.core.asked[-1], AppRemovalAsked)
        self.assertEqual(self.world.ask("DELETE", "/v2/apps/x/tasks").code, 404)

    def test_page(self) -> None:
        """A page of this Marathon's origin may change what the leader has, and no other may."""
        for origin, code in (("http://master:5050", 200), ("http://page", 403)):
            self.other.answering(Planned(V2, DeploymentId("d-7")))
            answer = self.world.ask("DELETE", "/v2/apps/shop/db", headers={"Origin": origin})
            self.assertEqual(answer.code, code)

    def test_own(self) -> None:
        """What every Marathon answers for itself is not passed on."""
        for path in ("/ping", "/metrics", "/help", "/ui/", "/logging"):
            self.assertEqual(self.world.get(path).code, 200)
        self.assertEqual(self.world.get("/").code, 302)
        self.assertEqual(self.web.asked, [])

    def test_circle(self) -> None:
        """Two that believe in each other find out."""
        self.other.leader = ADDRESS
        answer = self.world.get("/v2/apps")
        self.assertEqual(answer.code, 502)
        self.assertIn("Detected proxying loop", answer.json["message"])
        self.assertEqual(len(self.web.asked), 2)

    def test_self(self) -> None:
        """A Marathon that is named as the leader by its address answers itself."""
        self.world.leader = ADDRESS
        self.assertEqual(self.world.get("/v2/apps").json, {"apps": []})
        self.assertEqual(self.web.asked, [])

    def test_no_leader(self) -> None:
        """An election is waited for, and its result is used; without one it is 502."""
        self.world.leader = None
        first, second = self.world.visit(), self.world.visit()
        for visit in (first, second):
            visit.raw(b"GET /v2/apps/shop/db HTTP/1.1\r\nHost: m\r\n\r\n")
        self.world.clock.advance(1)
        self.world.leader = LEADER
        self.world.clock.advance(0.25)
        self.world.clock.advance(0)
        self.assertEqual((first.now().code, second.now().code), (200, 200))
        self.world.leader = None
        third = self.world.visit()
        third.raw(b"GET /v2/apps HTTP/1.1\r\nHost: m\r\n\r\n")
        for _ in range(11):
            self.world.clock.advance(0.25)
        answer = third.now()
        self.assertEqual(
            (answer.code, answer.json), (502, {"message": "Could not determine the current leader"})
        )

    def test_dead_leader(self) -> None:
        """A leader that does not answer is 502 with the reason, at once or after some time."""

        class Dead(Web):
            def request(self, *_request: Any, **_more: Any) -> Deferred[IResponse]:
                return fail(Refused("nobody is there"))

        class Silent(Web):
            def request(self, *_request: Any, **_more: Any) -> Deferred[IResponse]:
                return Deferred()

        for web in (Dead(), Silent()):
            world = MarathonWorld(web=web)
            world.leader = LEADER
            visit = world.visit()
            visit.raw(b"GET /v2/apps HTTP/1.1\r\nHost: m\r\n\r\n")
            world.clock.advance(READ_TIMEOUT_S)
            answer = visit.now()
            self.assertEqual(answer.code, 502)
            self.assertIn(f"The leader {LEADER} does not answer", answer.json["message"])

    def test_nobody_to_ask_by(self) -> None:
        """A Marathon that was given no client says so."""
        world = MarathonWorld()
        world.leader = LEADER
        self.assertEqual(world.get("/v2/apps").code, 502)
