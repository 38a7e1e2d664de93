"""Bodies of others that are passed on: whole, or seen to be broken; silent ones end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

from mesostw.core.master.changes import FrameworkKept
from mesostw.http.api.relay import RELAYED_MAX
from mesostw.http.proxy import PROXIED_MAX, SILENT_S, UNREAD_S
from mesostw.messages import FrameworkInfo
from tests.http.test_door import nobody
from tests.http.test_standby import StandbyWorld
from tests.http.world import MasterWorld, Visit, framework, small_cluster

RELAYED = "/api/v1/why/task/a/b"
FILE = "/api/v1/agents/m-1-S1/files/read?path=/x"
BEHIND_A_DOOR = "/marathon/v2/apps"


class Answering:
    """An answer of ten bytes whose head has come."""

    code, length = 200, 10
    headers = Headers({"Content-Type": ["application/json"]})

    def __init__(self) -> None:
        self.transport = StringTransport()

    def deliverBody(self, protocol: Any) -> None:
        self.protocol = protocol
        protocol.makeConnection(self.transport)

    def fail(self, protocol: Any) -> None:
        protocol.makeConnection(self.transport)
        protocol.dataReceived(b"half")
        raise ValueError("ours")

    def say(self, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def end(self, reason: Exception) -> None:
        self.protocol.connectionLost(Failure(reason))

    @property
    def is_stopped(self) -> bool:
        return self.transport.producerState == "stopped"


class Web:
    """Everybody begins to answer."""

    def __init__(self) -> None:
        self.answers: list[Answering] = []

    def request(self, *_request: Any, **_more: Any) -> Deferred[Any]:
        self.answers.append(Answering())
        return succeed(self.answers[-1])


class PassedOnTests(SynchronousTestCase):
    """A standby that relays, and a master that shows files and has doors, each with a reader."""

    def setUp(self) -> None:
        self.web = Web()
        self.master, self.standby = (
            MasterWorld(web=self.web, dial=nobody),
            StandbyWorld(web=self.web),
        )
        for world in (self.master, self.standby):
            world.publish(*small_cluster())
        info = FrameworkInfo(user="root", name="marathon", webui_url="http://10.0.0.9:8080")
        self.master.publish(FrameworkKept(framework(2, info=info)))

    def begun(self, world: MasterWorld, path: str) -> tuple[Visit, Answering]:
        """A reader to whom three of ten bytes have been passed on."""
        visit = world.visit()
        visit.raw(f"GET {path} HTTP/1.1\r\nHost: master:5050\r\n\r\n".encode())
        answer = self.web.answers[-1]
        answer.say(b"abc")
        self.assertEqual((visit.now().code, visit.now().body), (200, b"abc"))
        return visit, answer

    def all_begun(self) -> list[tuple[MasterWorld, Visit, Answering]]:
        return [
            (world, *self.begun(world, path))
            for world, path in (
                (self.standby, RELAYED),
                (self.master, FILE),
                (self.master, BEHIND_A_DOOR),
            )
        ]

    def limited(self) -> tuple[tuple[MasterWorld, str, int], ...]:
        return (self.standby, RELAYED, RELAYED_MAX), (self.master, FILE, PROXIED_MAX)

    def test_whole(self) -> None:
        """What came whole is finished, and written to the access log."""
        for world, visit, answer in self.all_begun():
            answer.say(b"defghij")
            answer.end(ResponseDone())
            self.assertEqual(visit.now().body, b"abcdefghij")
            self.assertFalse(visit.transport.disconnecting)
            self.assertEqual(len(world.lines), 1)
            world.lines.clear()
            world.clock.advance(SILENT_S)
            self.assertFalse(visit.transport.disconnecting)

    def test_reader_leaves(self) -> None:
        """Whoever answers is stopped; nothing is logged as answered, or as an error."""
        for world, visit, answer in self.all_begun():
            # In this order a transport tells of its end.
            visit.transport.producer.stopProducing()
            self.assertTrue(answer.is_stopped)
            answer.say(b"def")
            visit.hang_up()
            answer.end(ConnectionLost())
            self.assertEqual(world.lines, [])

    def test_reader_leaves_untold(self) -> None:
        """So it is when only the request hears of it."""
        for world, visit, answer in self.all_begun():
            visit.hang_up()
            self.assertTrue(answer.is_stopped)
            answer.end(ConnectionLost())
            self.assertEqual(world.lines, [])

    def test_breaks_off(self) -> None:
        """Half an answer breaks the reader's connection, and is not logged as one."""
        for world, visit, answer in self.all_begun():
            answer.end(ConnectionLost())
            self.assertTrue(visit.transport.disconnected)
            visit.hang_up()
            self.assertEqual(world.lines, [])

    def test_silence(self) -> None:
        """An answer of which nothing more comes is broken off; each byte begins the wait anew."""
        told: list[LogEvent] = []
        globalLogPublisher.addObserver(told.append)
        self.addCleanup(globalLogPublisher.removeObserver, told.append)
        for world, path, _ in self.limited():
            visit, answer = self.begun(world, path)
            world.clock.advance(SILENT_S - 1)
            answer.say(b"d")
            world.clock.advance(SILENT_S - 1)
            self.assertFalse(answer.is_stopped)
            world.clock.advance(1)
            self.assertTrue(answer.is_stopped and visit.transport.disconnected)
            visit.hang_up()
            answer.end(ConnectionLost())
            self.assertEqual(world.lines, [])
        self.assertEqual(len([one for one in told if one.get("patience_s") == SILENT_S]), 2)

    def test_places_are_free_again(self) -> None:
        """Many that fall silent, or whose readers leave, are in nobody's way afterwards."""
        for world, path, most in self.limited():
            for _ in range(2):
                begun = [self.begun(world, path) for _ in range(most)]
                self.assertEqual(world.get(path).code, 503)
                for visit, _ in begun[::2]:
                    visit.transport.producer.stopProducing()
                    visit.hang_up()
                world.clock.advance(SILENT_S)
                for visit, _ in begun[1::2]:
                    self.assertTrue(visit.transport.disconnected)
                    visit.hang_up()

    def test_slow_reader(self) -> None:
        """While a reader takes nothing, nobody is asked for more, and nothing is broken off."""
        for world, path, _ in self.limited():
            visit, answer = self.begun(world, path)
            visit.transport.producer.pauseProducing()
            self.assertEqual(answer.transport.producerState, "paused")
            answer.say(b"d")
            world.clock.advance(UNREAD_S - 1)
            visit.transport.producer.resumeProducing()
            self.assertEqual(answer.transport.producerState, "producing")
            world.clock.advance(SILENT_S - 1)
            self.assertFalse(visit.transport.disconnecting)
            world.clock.advance(1)
            self.assertTrue(visit.transport.disconnected)
            visit.hang_up()

    def test_who_never_reads(self) -> None:
        """A reader that takes nothing for long is hung up on, and its place is free."""
        for world, path, _ in self.limited():
            visit, answer = self.begun(world, path)
            visit.transport.producer.pauseProducing()
            answer.say(b"d")
            world.clock.advance(UNREAD_S)
            self.assertTrue(answer.is_stopped and visit.transport.disconnected)
            visit.hang_up()
            self.assertEqual(world.lines, [])

    def test_no_length(self) -> None:
        """A body that ends with its connection, since nobody said how long it is, is one."""
        visit, answer = self.begun(self.master, BEHIND_A_DOOR)
        answer.end(PotentialDataLoss())
        self.assertEqual(visit.now().body, b"abc")
        self.assertFalse(visit.transport.disconnected)
        self.assertEqual(len(self.master.lines), 1)

    def test_a_mistake_of_ours(self) -> None:
        """Within a body it breaks the connection: half a body is none."""
        self.patch(Answering, "deliverBody", Answering.fail)
        for world, path in ((self.standby, RELAYED), (self.master, FILE)):
            visit = world.visit()
            visit.raw(f"GET {path} HTTP/1.1\r\nHost: master:5050\r\n\r\n".encode())
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
            self.assertTrue(visit.transport.disconnected)
            self.assertEqual((visit.now().code, world.lines), (200, []))

    def test_streams_may_be_silent(self) -> None:
        """Behind a door are streams of events, which may have nothing to say for long."""
        visit, answer = self.begun(self.master, BEHIND_A_DOOR)
        self.master.clock.advance(SILENT_S * 10)
        answer.say(b"d")
        self.assertEqual(visit.now().body, b"abcd")
