"""A site over fake transports, and a cluster's state to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from zope.interface import implementer

from mesostw.core.master.changes import (
    AgentKept,
    ExecutorChanged,
    FrameworkKept,
    OfferMade,
    TaskChanged,
    TaskRemoved,
)
from mesostw.core.master.records import (
    Agent,
    AgentState,
    Executor,
    Framework,
    FrameworkState,
    Offer,
    Task,
    TaskSpec,
)
from mesostw.core.master.state import ClusterState
from mesostw.feed.changes import Feed
from mesostw.feed.layout import Banner
from mesostw.feed.master import LiveParts, live_parts
from mesostw.feed.snapshots import at_once
from mesostw.http.identity import Identity
from mesostw.http.serving import HouseSite
from mesostw.http.site import MasterParts, master_site
from mesostw.interfaces import IExchange, IInbox, ILink, Peer
from mesostw.messages import (
    AgentInfo,
    CommandInfo,
    ExecutorID,
    ExecutorInfo,
    FrameworkInfo,
    TaskID,
    TaskState,
    TaskStatus,
)
from mesostw.messages.convert import messages_of
from mesostw.model.ids import AgentId, ExecutorId, FrameworkId, LinkId, OfferId, TaskId
from mesostw.model.resources import Resources

WALL = 1_790_000_000.0
RUNNING, FINISHED = TaskState.TASK_RUNNING, TaskState.TASK_FINISHED


class WallClock(Clock):
    """A test's clock with a wall."""

    def wall(self) -> float:
        return WALL + self.seconds()


class Answer:
    """One HTTP answer, taken apart."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.code = int(lines[0].split()[1])
        self.headers = {
            name.strip().lower().decode(): value.strip().decode()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        if self.headers.get("transfer-encoding") == "chunked":
            self.chunks, self.ended = chunks_of(self.body)
            self.body = b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def chunks_of(body: bytes) -> tuple[list[bytes], bool]:
    """The chunks of a body so far, and whether it has ended."""
    chunks = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return chunks, True
        chunks.append(rest[:length])
        body = rest[length + 2 :]
    return chunks, False


class Visit:
    """One connection to a site."""

    def __init__(self, site: HouseSite, clock: Clock) -> None:
        self.clock = clock
        self.transport = StringTransport(
            peerAddress=IPv4Address("TCP", "10.0.0.9", 40000),
            hostAddress=IPv4Address("TCP", "10.0.0.1", 5050),
        )
        self.channel = site.buildProtocol(IPv4Address("TCP", "10.0.0.9", 40000))
        assert self.channel is not None
        self.channel.makeConnection(self.transport)
        self.lost = False

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; what has been answered when the clock has turned a few times."""
        self.transport.clear()
        lines = [f"{method} {path} HTTP/1.1", "Host: master:5050"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return Answer(self.transport.value())

    def raw(self, data: bytes) -> bytes:
        """Send bytes as they are."""
        self.channel.dataReceived(data)  # type: ignore[union-attr]
        for _ in range(50):
            self.clock.advance(0)
            producer = self.transport.producer
            if producer is not None and not self.transport.streaming:
                producer.resumeProducing()
        return self.transport.value()

    def now(self) -> Answer:
        """What has been answered by now."""
        return Answer(self.transport.value())

    def hang_up(self) -> None:
        """The client goes."""
        self.channel.connectionLost(Failure(ConnectionLost()))  # type: ignore[union-attr]
        self.lost = True


@implementer(IExchange)
class RecordingExchange:
    """Numbers links and remembers what they said."""

    inbox: IInbox

    def __init__(self) -> None:
        self.links: dict[LinkId, ILink] = {}
        self.peers: list[Peer] = []
        self.said: list[tuple[LinkId, Struct]] = []
        self.ends: list[tuple[LinkId, str]] = []
        self.crowds: list[tuple[str, LinkId]] = []

    def admit(self, link: ILink, peer: Peer) -> LinkId:
        number = LinkId(len(self.peers) + 1)
        self.links[number] = link
        self.peers.append(peer)
        return number

    def heard(self, link: LinkId, messages: Sequence[Struct]) -> None:
        self.said.extend((link, message) for message in messages)

    def ended(self, link: LinkId, reason: str) -> None:
        self.links.pop(link, None)
        self.ends.append((link, reason))

    def crowded(self, link: LinkId) -> None:
        self.crowds.append(("crowded", link))

    def eased(self, link: LinkId) -> None:
        self.crowds.append(("eased", link))

    def send(self, link: LinkId, messages: Sequence[Struct]) -> None:
        self.links[link].send(messages)

    def close(self, link: LinkId, reason: str) -> None:
        self.links[link].close(reason)

    def route(self, route: object) -> None:
        raise AssertionError(route)

    def unroute(self, route: object) -> None:
        raise AssertionError(route)


@implementer(IInbox)
class RecordingInbox:
    """Answers questions as it was told to."""

    def __init__(self) -> None:
        self.asked: list[Struct] = []
        self.answer: Struct | None = None
        self.full: list[Any] | None = None

    def tell(self, stimuli: Sequence[object]) -> None:
        raise AssertionError("links tell the exchange")

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        self.asked.append(question)
        return succeed(self.answer)

    def has_room(self, resume: Any) -> bool:
        if self.full is None:
            return True
        self.full.append(resume)
        return False


DOORS: Mapping[str, str] = {"marathon": "marathon", "chronos": "chronos"}


class MasterWorld:
    """A master's site over a state that a test changes by hand."""

    def __init__(
        self,
        web: Any = None,
        webfiles: Path | None = None,
        dial: Any = None,
        doors: Mapping[str, str] = DOORS,
    ) -> None:
        self.clock = WallClock()
        self.feed: Feed[Any, Any] = Feed(ClusterState(), identity="m")
        self.exchange, self.inbox = RecordingExchange(), RecordingInbox()
        self.identity = Identity(
            id=lambda: "m-1",
            ip="10.0.0.1",
            port=5050,
            hostname="master",
            started=WALL - 60,
            elected=lambda: WALL - 50,
            flags={"port": "5050"},
            cluster="test",
        )
        self.leader: str | None = ""
        #: Of the session with ZooKeeper.
        self.session = ""
        self.lines: list[str] = []
        #: What is counted beside the tables.
        self.counted: Mapping[str, float] = {}
        banner = Banner(
            name="test", leader="10.0.0.1:5050", master_id="m-1", version="0.1.0", started=WALL
        )
        self.parts: LiveParts = live_parts(self.feed, self.clock, lambda: banner, at_once)
        self.site = master_site(
            MasterParts(
                feed=self.feed,
                inbox=self.inbox,
                exchange=self.exchange,
                clock=self.clock,
                identity=self.identity,
                web=web,
                live=self.parts.socket,
                snapshots=self.parts.snapshots,
                task_row=self.parts.task_row,
                leader=lambda: self.leader,
                session=lambda: self.session,
                counters=lambda: self.counted,
                access=self.lines.append,
                dial=dial,
                doors=doors,
                **({} if webfiles is None else {"webfiles": webfiles}),
            )
        )
        self.feed.begin(1)

    @property
    def root(self) -> IResource:
        return self.site.resource

    def visit(self) -> Visit:
        return Visit(self.site, self.clock)

    def get(self, path: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.visit().ask("GET", path, headers=named)

    def publish(self, *changes: object) -> None:
        self.feed.publish(changes)


def resources(text: str = "cpus:4;mem:1024;disk:2000;ports:[31000-31009]") -> Resources:
    """What an agent has, if nothing else is said."""
    return Resources.parse(text)


def agent(number: int = 1, **changes: Any) -> Agent:
    """An active agent."""
    total = resources()
    fields: dict[str, Any] = {
        "id": AgentId(f"m-1-S{number}"),
        "info": AgentInfo(hostname=f"host{number}", port=5051, resources=messages_of(total)),
        "total": total,
        "state": AgentState.ACTIVE,
        "link": LinkId(number),
        "version": "1.11.0",
        "capabilities": ("MULTI_ROLE",),
        "address": f"10.0.1.{number % 250}:5051",
        "registered": WALL - 40,
    }
    return Agent(**{**fields, **changes})


def framework(number: int = 1, **changes: Any) -> Framework:
    """An active framework of role ``web``."""
    fields: dict[str, Any] = {
        "id": FrameworkId(f"m-1-{number:04d}"),
        "info": FrameworkInfo(user="root", name=f"app{number}", role="web"),
        "roles": ("web",),
        "capabilities": frozenset({"MULTI_ROLE"}),
        "state": FrameworkState.ACTIVE,
        "link": LinkId(100 + number),
        "connection": "http",
        "suppressed": frozenset(),
        "registered": WALL - 30,
    }
    return Framework(**{**fields, **changes})


def task(number: int = 1, state: TaskState = RUNNING, **changes: Any) -> Task:
    """A command task of the first framework on the first agent."""
    status = TaskStatus(
        task_id=TaskID(value=f"t{number}"),
        state=state,
        timestamp=WALL - 20 + number,
        uuid=b"u" * 16,
    )
    fields: dict[str, Any] = {
        "id": TaskId(f"t{number}"),
        "framework_id": FrameworkId("m-1-0001"),
        "agent_id": AgentId("m-1-S1"),
        "executor_id": None,
        "role": "web",
        "resources": Resources.parse("cpus:0.1;mem:32"),
        "state": state,
        "statuses": (status,),
        "update_state": state,
        "update_uuid": b"u" * 16,
        "launched": WALL - 25,
        "spec": TaskSpec(name=f"task {number}", user="root", command="sleep 1"),
    }
    return Task(**{**fields, **changes})


def small_cluster() -> tuple[object, ...]:
    """One agent, one framework, a running, a completed and an offered thing."""
    executor = Executor(
        id=ExecutorId("e1"),
        framework_id=FrameworkId("m-1-0001"),
        agent_id=AgentId("m-1-S1"),
        info=ExecutorInfo(
            executor_id=ExecutorID(value="e1"), command=CommandInfo(value="run", shell=True)
        ),
        role="web",
        resources=Resources.parse("cpus:0.5"),
    )
    offer = Offer(
        id=OfferId("m-1-O1"),
        framework_id=FrameworkId("m-1-0001"),
        agent_id=AgentId("m-1-S1"),
        role="web",
        resources=Resources.parse("cpus:1;mem:128"),
        made=WALL,
    )
    return (
        AgentKept(agent()),
        FrameworkKept(framework()),
        TaskChanged(task(1)),
        TaskChanged(task(2, FINISHED)),
        TaskRemoved(task(2, FINISHED)),
        ExecutorChanged(executor),
        OfferMade(offer),
    )
