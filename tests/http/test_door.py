"""``/marathon``: a framework's API through the master's origin, and nothing else of it."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory
from treq.testing import RequestTraversalAgent
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.test.iosim import IOPump, connect
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from txaio.tx import config as txaio_config

from mesostw.core.master.changes import FrameworkChanged, FrameworkKept
from mesostw.core.master.records import FrameworkState
from mesostw.feed.frames import PROTOCOL
from mesostw.feed.socket import LiveFactory, LiveResource
from mesostw.http.door import House
from mesostw.messages import FrameworkInfo
from mesostw.model.ids import LinkId
from tests.feed.test_live import World
from tests.feed.test_socket import Client, Transport
from tests.http.world import MasterWorld, framework

WEB_PAGE = "http://10.0.0.7:8080"


class Api(Resource):
    """A framework's site: says what it was asked, and can be told how to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.isLeaf = True
        self.asked: list[tuple[bytes, bytes, bytes]] = []
        self.heads: list[Any] = []
        self.answer: tuple[int, dict[bytes, bytes], bytes] = (200, {}, b"{}")
        self.open: list[Request] = []

    def render(self, request: Request) -> bytes | int:
        body = request.content.read() if request.content is not None else b""
        self.asked.append((request.method, request.uri, body))
        self.heads.append(request.requestHeaders)
        code, headers, answer = self.answer
        request.setResponseCode(code)
        for name, value in headers.items():
            request.setHeader(name, value)
        if answer == b"":
            self.open.append(request)
            request.write(b"data: 1\n\n")
            return NOT_DONE_YET
        return answer


class NoWeb:
    """Every framework refuses connections."""

    def request(self, *args: object, **named: object) -> Deferred[IResponse]:
        return fail(Refused("refused"))


def nobody(*args: object) -> Deferred[Any]:
    """A dial that reaches nobody."""
    return fail(Refused("refused"))


def marathon(number: int = 1, **changes: Any) -> Any:
    """A connected framework of the door's name."""
    url = changes.pop("webui_url", WEB_PAGE)
    info = FrameworkInfo(user="root", name=changes.pop("name", "marathon"), webui_url=url)
    return framework(number, info=info, **changes)


class DoorTestCase(SynchronousTestCase):
    """A master whose door leads to an API in memory."""

    def setUp(self) -> None:
        self.api = Api()
        self.web = RequestTraversalAgent(self.api)
        self.world = MasterWorld(web=self.web, dial=nobody)
        self.world.publish(FrameworkKept(marathon()))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        visit = self.world.visit()
        visit.ask(method, path, body, named)
        for _ in range(10):
            self.web.flush()
            self.world.clock.advance(0)
        return visit.now()


class PassingTests(DoorTestCase):
    """What goes through."""

    def test_a_question_and_its_answer(self) -> None:
        """Method, path, query, body and status pass as they are."""
        self.api.answer = (201, {b"content-type": b"application/json"}, b'{"id":"/a"}')
        answer = self.ask("PUT", "/marathon/v2/apps/shop/a%20b?force=true&x=%2F", b'{"cmd":"x"}')
        self.assertEqual((answer.code, answer.json), (201, {"id": "/a"}))
        self.assertEqual(answer.headers["content-type"], "application/json")
        asked = (b"PUT", b"/v2/apps/shop/a%20b?force=true&x=%2F", b'{"cmd":"x"}')
        self.assertEqual(self.api.asked, [asked])

    def test_what_is_let_through(self) -> None:
        """The API and what a page follows, and no page."""
        for path in ("v2/info", "ping", "why/apps/a", "metrics", "api/v1/snapshot/apps"):
            self.assertEqual(self.ask("GET", f"/marathon/{path}").code, 200, path)
        for path in (
            "",
            "ui/",
            "ui/index.html",
            "v2/../ui/",
            "api/v1/scheduler",
            "help",
            "logging",
        ):
            self.assertEqual(self.ask("GET", f"/marathon/{path}").code, 404, path)

    def test_answers_are_no_pages_of_the_master(self) -> None:
        """No script of a framework runs in the master's origin, and no cookie passes."""
        self.api.answer = (200, {b"set-cookie": b"a=b", b"content-type": b"text/html"}, b"<script>")
        answer = self.ask("GET", "/marathon/v2/info", cookie="secret=1")
        self.assertTrue(answer.headers["content-security-policy"].startswith("sandbox"))
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        self.assertNotIn("set-cookie", answer.headers)
        self.assertIsNone(self.api.heads[0].getRawHeaders("cookie"))

    def test_pages_of_other_origins(self) -> None:
        """A form or a script of another web site changes nothing."""
        for origin in ("http://evil.example", "null", "http://[broken"):
            answer = self.ask("POST", "/marathon/v2/apps", b"{}", Origin=origin)
            self.assertEqual(answer.code, 403, origin)
        self.assertEqual(self.api.asked, [])
        self.assertEqual(
            self.ask("POST", "/marathon/v2/apps", b"{}", Origin="http://master:5050").code, 200
        )

    def test_places(self) -> None:
        """A place that the framework names is named behind the door."""
        for told, shown in (
            (b"/v2/apps/a", "/marathon/v2/apps/a"),
            (b"http://10.0.0.7:8080/v2/apps/a", "/marathon/v2/apps/a"),
            (b"http://elsewhere/v2", None),
        ):
            self.api.answer = (201, {b"location": told}, b"{}")
            answer = self.ask("POST", "/marathon/v2/apps", b"{}")
            self.assertEqual(answer.headers.get("location"), shown)

    def test_each_framework_has_a_door(self) -> None:
        """Chronos' API is behind a door of its own, which opens on its own words only."""
        self.assertEqual(self.ask("GET", "/chronos/v1/chronos/info").code, 503)
        self.world.publish(FrameworkKept(marathon(2, name="chronos", webui_url="http://c:4400")))
        answer = self.ask("PUT", "/chronos/v1/chronos/jobs/a%20b", b"{}", If_Match='"v"')
        self.assertEqual(answer.code, 200)
        self.assertEqual(self.api.asked[-1], (b"PUT", b"/v1/chronos/jobs/a%20b", b"{}"))
        self.assertEqual(self.api.heads[-1].getRawHeaders("if-match"), ['"v"'])
        self.api.answer = (302, {b"location": b"http://c:4400/v1/scheduler/jobs"}, b"{}")
        answer = self.ask("GET", "/chronos/scheduler/jobs")
        self.assertEqual(answer.headers["location"], "/chronos/v1/scheduler/jobs")
        for path in ("/chronos/v2/info", "/chronos/why/apps/a", "/chronos/ui/", "/marathon/v1/x"):
            self.assertEqual(self.ask("GET", path).code, 404, path)

    def test_a_stream(self) -> None:
        """What comes bit by bit is passed on bit by bit."""
        self.api.answer = (200, {b"content-type": b"text/event-stream"}, b"")
        visit = self.world.visit()
        visit.ask("GET", "/marathon/v2/events", headers={"Accept": "text/event-stream"})
        for _ in range(5):
            self.web.flush()
            self.world.clock.advance(0)
        self.assertEqual(visit.now().chunks, [b"data: 1\n\n"])
        self.api.open[0].write(b"data: 2\n\n")
        self.web.flush()
        self.assertEqual(visit.now().chunks[-1], b"data: 2\n\n")
        self.assertFalse(visit.now().ended)


class RefusalTests(DoorTestCase):
    """What does not."""

    def test_no_framework(self) -> None:
        """Without a connected framework of the name there is nobody to ask."""
        lost = marathon(state=FrameworkState.DISCONNECTED, link=None)
        for change in (FrameworkChanged(lost), FrameworkChanged(marathon(webui_url=None))):
            self.world.publish(change)
            answer = self.ask("GET", "/marathon/v2/info")
            self.assertEqual(answer.code, 503)
            self.assertIn("No framework named 'marathon'", answer.json["message"])
        self.world.publish(FrameworkKept(marathon(2, name="other", link=LinkId(9))))
        self.assertEqual(self.ask("GET", "/marathon/v2/info").code, 503)

    def test_odd_addresses(self) -> None:
        """Only plain http addresses are asked."""
        self.world.publish(FrameworkChanged(marathon(webui_url="https://10.0.0.7/")))
        self.assertEqual(self.ask("GET", "/marathon/v2/info").code, 502)
        self.assertEqual(House.of("http://h:8080/base/"), House("h", 8080, "/base"))
        self.assertEqual(House.of("http://[::1]:80"), House("::1", 80, ""))
        self.assertEqual(
            House("::1", 80, "/b").address(("v2", "a b"), b"q"), b"http://[::1]:80/b/v2/a%20b?q"
        )
        odd = ("", "ftp://h/", "http://u:p@h/", "http:///x", "http://h:99999/", "http://h/?q")
        for url in (*odd, "http://h/a b", "http://h/\r\nx"):
            self.assertIsNone(House.of(url), url)

    def test_a_circle(self) -> None:
        """A framework that leads back here is told so once, not asked for ever."""
        self.ask("GET", "/marathon/v2/info")
        (signature,) = self.api.heads[0].getRawHeaders("x-mesostw-via")
        self.assertEqual(signature, "m-1")
        answer = self.ask("GET", "/marathon/v2/info", X_Mesostw_Via="m-0, m-1")
        self.assertEqual(answer.code, 508)

    def test_silence(self) -> None:
        """A framework that does not answer is 502 with the reason."""
        world = MasterWorld(web=NoWeb(), dial=nobody)
        world.publish(FrameworkKept(marathon()))
        answer = world.get("/marathon/v2/info")
        self.assertEqual(answer.code, 502)
        self.assertIn("10.0.0.7:8080 does not answer", answer.json["message"])
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        answer = world.visit().ask("GET", "/marathon/api/v1/live", headers=headers)
        self.assertEqual(answer.code, 502)

    def test_switched_off(self) -> None:
        """Without a name there is no door."""
        world = MasterWorld(web=self.web, dial=nobody, doors={"marathon": "", "chronos": ""})
        world.publish(FrameworkKept(marathon()))
        for path in ("/marathon/v2/info", "/chronos/v1/chronos/info"):
            self.assertEqual(world.get(path).code, 404, path)

    def test_who_goes_before_the_answer(self) -> None:
        """A reader that has gone leaves nothing behind."""
        visit = self.world.visit()
        visit.ask("GET", "/marathon/v2/info")
        visit.hang_up()
        self.web.flush()
        self.assertEqual(self.ask("GET", "/marathon/v2/info").code, 200)


class SocketTests(SynchronousTestCase):
    """A WebSocket through the door: a real Autobahn client, a real live socket."""

    def setUp(self) -> None:
        self.live = World()
        # Autobahn's timers would go to the real reactor and outlive the test.
        self.patch(txaio_config, "loop", self.live.clock)
        root, api, v1 = Resource(), Resource(), Resource()
        root.putChild(b"api", api)
        api.putChild(b"v1", v1)
        v1.putChild(b"live", LiveResource(LiveFactory(self.live.live, self.live.clock)))
        self.far_site = Site(root, reactor=self.live.clock)
        self.pumps: list[IOPump] = []
        self.dialled: list[tuple[str, int]] = []
        self.far: list[Transport] = []
        self.clients: list[Transport] = []
        self.world = MasterWorld(web=NoWeb(), dial=self.dial)
        self.world.publish(FrameworkKept(marathon()))

    def dial(self, host: str, port: int, factory: Any) -> Deferred[Any]:
        self.dialled.append((host, port))
        self.join(self.far_site.buildProtocol(None), factory.buildProtocol(None), self.far)
        return succeed(None)

    def join(self, server: Any, client: Any, servers: list[Transport]) -> None:
        address = IPv4Address("TCP", "10.0.0.1", 5050)
        server_transport = Transport(
            server, isServer=True, hostAddress=address, peerAddress=address
        )
        client_transport = Transport(client, isServer=False)
        self.clients.append(client_transport)
        pump = connect(server, server_transport, client, client_transport, clock=self.live.clock)
        servers.append(server_transport)
        self.pumps.append(pump)

    def browser(self, **headers: str) -> tuple[Client, Transport]:
        factory = WebSocketClientFactory(
            "ws://master:5050/marathon/api/v1/live",
            protocols=[PROTOCOL],
            headers=headers,
            reactor=self.live.clock,
        )
        client, servers = Client(), list[Transport]()
        client.factory = factory
        self.join(self.world.site.buildProtocol(None), client, servers)
        self.turn()
        return client, servers[0]

    def turn(self) -> None:
        for _ in range(6):
            self.live.clock.advance(0.1)
            self.world.clock.advance(0.1)
            for pump in self.pumps:
                pump.flush()

    def test_follow(self) -> None:
        """A page follows the framework's feed through the master."""
        client, _ = self.browser(Origin="http://master:5050")
        self.assertEqual(self.dialled, [("10.0.0.7", 8080)])
        client.say(t="sub", id=1, topic="small")
        self.turn()
        self.live.change("a", 3)
        self.turn()
        self.assertEqual([word["t"] for word in client.words[:4]], ["welcome", "ok", "d", "d"])
        self.assertEqual(client.words[3]["c"], [[1, [1, {"id": "a", "n": 3, "odd": 1}]]])

    def test_pages_of_other_origins(self) -> None:
        """The door checks who asks, since the framework sees the master only."""
        client, _ = self.browser(Origin="http://evil.example")
        self.assertFalse(client.open)
        self.assertEqual(self.dialled, [])

    def test_the_framework_goes(self) -> None:
        """When one side goes the other is ended, so that the page dials again."""
        client, _ = self.browser()
        self.assertTrue(client.open)
        self.far[0].loseConnection()
        self.turn()
        self.assertEqual(len(client.closed), 1)

    def test_the_page_goes(self) -> None:
        """A page that has gone is followed by nobody."""
        client, _ = self.browser()
        self.assertEqual(len(self.live.live.sessions), 1)
        client.sendClose(1000)
        self.turn()
        self.assertEqual(len(self.live.live.sessions), 0)

    def test_a_slow_page_slows_the_framework(self) -> None:
        """Nothing is piled up for a page that does not read: its slowness is passed on."""
        _, near = self.browser()
        far = self.clients[-1]
        self.assertIs(near.producer, far)
        self.assertIs(far.producer, near)
