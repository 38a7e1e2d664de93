"""The site of a master that waits: what it answers itself, and how it says that."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers

from mesostw.core.master.changes import AgentKept
from mesostw.http.identity import Identity
from mesostw.http.readiness import Readiness
from mesostw.http.site import MasterParts
from mesostw.http.standby import StandbyParts, standby_site
from mesostw.interfaces import Freshness
from tests.http.world import WALL, Answer, MasterWorld, Visit, agent, small_cluster

LEADER = "10.0.0.7:5050"
COPY = "/state?standby_reads=true"


class Response:
    """What a leader answers."""

    code, length = 202, 2
    headers = Headers({"Content-Type": ["application/json"], "X-Said": ["yes"]})

    def deliverBody(self, protocol: Any) -> None:
        protocol.makeConnection(StringTransport())
        protocol.dataReceived(b"{}")
        protocol.connectionLost(Failure(ResponseDone()))


class LeaderWeb:
    """A leader as whoever asks it sees it."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes, Headers]] = []
        self.answers = True

    def request(self, method: bytes, uri: bytes, headers: Headers, body: Any) -> Deferred[Any]:
        self.asked.append((method, uri, headers))
        return succeed(Response()) if self.answers else fail(Refused())


class StandbyWorld(MasterWorld):
    """The same state as a copy, on the site of one that waits."""

    always = False

    def __init__(self, web: Any = None) -> None:
        self.web = LeaderWeb() if web is None else web
        super().__init__(web=self.web)
        self.leader = LEADER
        self.freshness: Freshness | None = Freshness(LEADER, 0.25, is_fresh=True)
        self.session = "connected"
        self.shown: Identity | None = Identity(
            id=lambda: "the-leader",
            ip="10.0.0.7",
            port=5050,
            hostname="seven",
            started=WALL - 900,
            elected=lambda: WALL - 800,
        )
        self.site = self.made()

    def made(self) -> Any:
        parts = MasterParts(
            feed=self.feed,
            inbox=self.inbox,
            exchange=self.exchange,
            clock=self.clock,
            identity=self.identity,
            web=self.web,
            live=self.parts.socket,
            snapshots=self.parts.snapshots,
            task_row=self.parts.task_row,
            leader=lambda: self.leader,
            session=lambda: self.session,
            access=self.lines.append,
        )
        standby = StandbyParts(
            freshness=lambda: self.freshness, shown=lambda: self.shown, always=self.always
        )
        readiness = Readiness(
            leader=parts.leader,
            address=self.identity.address,
            recovered=lambda: False,
            freshness=standby.freshness,
            session=parts.session,
        )
        return standby_site(parts, standby, readiness)


class StandbyTestCase(SynchronousTestCase):
    """A copy of a small cluster."""

    def setUp(self) -> None:
        self.world = StandbyWorld()
        self.world.publish(*small_cluster())

    def ask(self, method: str, path: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Visit(self.world.site, self.world.clock).ask(method, path, headers=named)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)


class ReadingTests(StandbyTestCase):
    """``/state`` and its like."""

    def test_sent_to_the_leader(self) -> None:
        """Clients find the leader by it, so that is what they get who ask for nothing else."""
        for path in ("/state", "/master/slaves", "/tasks?limit=1", "/roles", "/state-summary"):
            answer = self.get(path)
            self.assertEqual((answer.code, answer.headers["location"]), (307, f"//{LEADER}{path}"))

    def test_copy_if_asked(self) -> None:
        """By a parameter, or by a header."""
        for answer in (self.get(COPY), self.get("/state", X_Mesos_Standby_Reads="true")):
            self.assertEqual(answer.code, 200)
            self.assertEqual(answer.headers["x-mesos-standby"], "following")
            self.assertEqual(answer.headers["x-mesos-standby-lag-seconds"], "0.250")
            self.assertEqual(answer.headers["x-mesos-leader"], LEADER)
            state = answer.json
            self.assertEqual((state["id"], state["hostname"]), ("the-leader", "seven"))
            self.assertEqual((state["pid"], state["leader"]), (f"master@{LEADER}",) * 2)
            self.assertEqual([one["id"] for one in state["slaves"]], ["m-1-S1"])

    def test_every_page(self) -> None:
        """Each of the pages is what the leader's would be."""
        own = MasterWorld()
        own.publish(*small_cluster())
        for path in ("/slaves", "/frameworks", "/tasks", "/roles"):
            self.assertEqual(self.get(f"{path}?standby_reads=1").json, own.get(path).json, path)
        self.assertEqual(self.get("/state-summary?standby_reads=1").json["hostname"], "seven")

    def test_not_modified(self) -> None:
        """Who has the body already is told so."""
        tag = self.get(COPY).headers["etag"]
        self.assertEqual(self.get(COPY, If_None_Match=tag).code, 304)
        self.world.publish(AgentKept(agent(2)))
        self.assertEqual(self.get(COPY, If_None_Match=tag).code, 200)

    def test_stale(self) -> None:
        """An old copy is served to who wants one, and says how old it is."""
        self.world.freshness, self.world.leader = Freshness(LEADER, 71.5, is_fresh=False), None
        answer = self.get(COPY)
        self.assertEqual((answer.code, answer.headers["x-mesos-standby"]), (200, "stale"))
        self.assertEqual(answer.headers["x-mesos-standby-lag-seconds"], "71.500")
        self.assertEqual(self.get("/state").code, 503)

    def test_no_copy(self) -> None:
        """Who would read a copy that is not there is sent to the leader too."""
        self.world.freshness = None
        self.assertEqual(self.get(COPY).code, 307)

    def test_another_leader(self) -> None:
        """The head of ``/state`` is that of whom the copy is of now."""
        self.get(COPY)
        assert self.world.shown is not None
        self.world.shown = attrs.evolve(self.world.shown, hostname="eight", port=5051)
        self.assertEqual(self.get(COPY).json["pid"], "master@10.0.0.7:5051")

    def test_always(self) -> None:
        """The flag gives everybody the copy but who says no."""
        self.world.always = True
        self.world.site = self.world.made()
        self.assertEqual(self.get("/state").code, 200)
        self.assertEqual(self.get("/state?standby_reads=false").code, 307)


class OthersTests(StandbyTestCase):
    """Everything else."""

    def test_nothing_is_changed_here(self) -> None:
        """Calls and operators are sent to the leader; nobody leads: 503."""
        for path in ("/api/v1/scheduler", "/teardown", "/api/v1", "/master/api/v1"):
            answer = self.ask("POST", path)
            self.assertEqual((answer.code, answer.headers["location"]), (307, f"//{LEADER}{path}"))
        self.world.leader = None
        self.assertEqual(self.ask("POST", "/teardown").code, 503)
        self.world.leader = ""
        self.assertEqual(self.ask("POST", "/teardown").code, 503)
        self.assertEqual(self.world.inbox.asked, [])

    def test_the_dashboards_own(self) -> None:
        """What a page asks the leader is passed on, signed, with the host that was asked."""
        path = "/api/v1/tasks/m-1-0001/t1/kill"
        answer = self.ask("POST", path, Origin="http://master:5050")
        self.assertEqual((answer.code, answer.json, answer.headers["x-said"]), (202, {}, "yes"))
        method, uri, headers = self.world.web.asked[0]
        self.assertEqual((method, uri), (b"POST", f"http://{LEADER}{path}".encode()))
        self.assertEqual(headers.getRawHeaders("X-Forwarded-Host"), ["master:5050"])
        self.assertEqual(headers.getRawHeaders("X-Mesos-Via"), ["10.0.0.1:5050"])
        self.assertEqual(self.get("/api/v1/why/task/a/b", X_Mesos_Via="10.0.0.1:5050").code, 502)
        self.world.web.answers = False
        self.assertEqual(self.get("/api/v1/why/task/a/b").code, 502)
        self.world.leader = None
        self.assertEqual(self.get("/api/v1/why/task/a/b").code, 503)

    def test_itself(self) -> None:
        """Health, version, flags, metrics; of the cluster its metrics tell nothing."""
        for path in ("/health", "/version", "/flags", "/metrics", "/", "/metrics/snapshot"):
            self.assertEqual(self.get(path).code, 200, path)
        metrics = self.get("/metrics/snapshot").json
        self.assertEqual((metrics["master/elected"], metrics["master/slaves_active"]), (0, 0))
        self.assertEqual(self.get("/redirect").headers["location"], f"//{LEADER}")

    def test_snapshots(self) -> None:
        """The dashboard's tables are the copy's."""
        self.assertEqual(self.get("/api/v1/snapshot/agents").json["n"], 1)
        self.assertEqual(self.get("/api/v1/live").code, 426)


class ReadinessTests(StandbyTestCase):
    """Whom a load balancer may send to."""

    def statuses(self) -> tuple[str, int, int]:
        leader, ready = self.get("/health/leader"), self.get("/health/ready")
        self.assertEqual(leader.json, ready.json)
        self.assertEqual(ready.headers["cache-control"], "no-store")
        return ready.json["status"], leader.code, ready.code

    def test_one_that_waits(self) -> None:
        """Following, stale, without a copy, coming to lead."""
        self.assertEqual(self.statuses(), ("following", 503, 200))
        told = self.get("/health/ready").json
        self.assertEqual((told["leader"], told["copy_of"]), (LEADER, LEADER))
        self.assertEqual((told["lag_seconds"], told["session"]), (0.25, "connected"))
        self.world.freshness = Freshness(LEADER, 9.0, is_fresh=False)
        self.assertEqual(self.statuses(), ("stale", 503, 503))
        self.world.freshness = None
        self.assertEqual(self.statuses(), ("waiting", 503, 503))
        self.world.leader = ""
        self.assertEqual(self.statuses(), ("recovering", 503, 503))

    def test_one_that_leads(self) -> None:
        """Leading, and held while it cannot be proved."""
        world = MasterWorld()
        self.assertEqual(world.get("/health/leader").json["leader"], "10.0.0.1:5050")
        self.assertEqual(world.get("/health/ready").code, 200)
        for session, status in (("connected", "leading"), ("suspended", "held")):
            world.session = session
            self.assertEqual(world.get("/health/leader").json["status"], status)

    def test_what_a_leader_says_that_is_held(self) -> None:
        """It is answered, and marked as what may be old."""
        world = MasterWorld()
        for session, marked in (("", None), ("connected", None), ("suspended", "held")):
            world.session = session
            for path in ("/state", "/slaves", "/tasks"):
                answer = world.get(path)
                self.assertEqual(
                    (answer.code, answer.headers.get("x-mesos-standby")), (200, marked)
                )
