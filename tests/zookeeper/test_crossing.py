"""The two queues between the reactor and kazoo's thread, both played by the test."""

from __future__ import annotations

import socket
import threading
import time
from functools import partial
from typing import Any

from kazoo.protocol.states import KazooState
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.zookeeper import REQUEST_BYTES_MAX, TooLarge
from mesostw.zookeeper.crossing import (
    FLIGHT_BYTES_MAX,
    FLIGHT_MAX,
    Answer,
    Call,
    Crossing,
    LinkSilent,
)
from mesostw.zookeeper.sockets import Wire


class CrossingTests(SynchronousTestCase):
    """What is called crosses over in order, and not too much at once."""

    def setUp(self) -> None:
        self.posted: list[Any] = []
        self.faults: list[Exception] = []
        self.crossing = Crossing(self.posted.append, self.faults.append, lambda: 0.0, 1)
        self.addCleanup(self.crossing.bell.close)
        self.answers: list[Answer] = []
        self.told: list[object] = []

    def call(self, name: str, size: int = 0, fault: Exception | None = None) -> Call:
        """Call something, as the reactor does."""

        def start() -> Answer:
            if fault is not None:
                raise fault
            self.answers.append(Answer())
            return self.answers[-1]

        call = Call(start, lambda value: self.told.append((name, value)), self.told.append)
        call.failed = lambda why: self.told.append((name, type(why).__name__))
        call.size = size
        self.crossing.inbox.append(call)
        return call

    def turn(self) -> None:
        """Kazoo's thread looks for something to do, and the reactor for what came of it."""
        self.crossing.select([self.crossing.bell], [], [], 0)
        posted, self.posted[:] = list(self.posted), []
        for one in posted:
            one()

    def answer(self, count: int) -> None:
        for one in self.answers[:count]:
            one.set("done")
        del self.answers[:count]

    def test_order(self) -> None:
        """Answers are told in the order of the calls; one wake-up does for all of them."""
        for name in "abc":
            self.call(name)
        self.turn()
        self.assertEqual(self.told, [])
        self.answer(2)
        self.answers[0].set_exception(ValueError())
        self.crossing.post()
        self.crossing.post()
        self.assertEqual(len(self.posted), 1)
        self.turn()
        self.assertEqual(self.told, [("a", "done"), ("b", "done"), ("c", "ValueError")])

    def test_many(self) -> None:
        """Kazoo has ``FLIGHT_MAX`` at most; the next is taken when one is answered."""
        for number in range(FLIGHT_MAX + 3):
            self.call(str(number))
        self.turn()
        self.assertEqual((len(self.answers), len(self.crossing.inbox)), (FLIGHT_MAX, 3))
        self.answer(2)
        self.turn()
        self.assertEqual((len(self.answers), len(self.crossing.inbox)), (FLIGHT_MAX, 1))

    def test_large(self) -> None:
        """It has about ``FLIGHT_BYTES_MAX`` at most, and what is too large never."""
        for number in range(20):
            self.call(str(number), REQUEST_BYTES_MAX)
        self.turn()
        self.assertEqual(len(self.answers), -(-FLIGHT_BYTES_MAX // REQUEST_BYTES_MAX))
        self.crossing.drained()
        self.call("too large", REQUEST_BYTES_MAX + 1)
        self.answer(20)
        self.turn()
        self.turn()
        self.assertEqual(self.told[-1], ("too large", TooLarge.__name__))

    def test_not_sent(self) -> None:
        """What could not be sent is told in its turn, and nothing overtakes it."""
        self.call("a")
        self.call("b", fault=ZeroDivisionError())
        self.call("c")
        self.turn()
        self.assertEqual((len(self.answers), self.told), (1, []))
        self.answer(1)
        self.turn()
        self.answer(1)
        self.turn()
        self.turn()
        expected = [("a", "done"), ("b", "ZeroDivisionError"), ("c", "done")]
        self.assertEqual(self.told, expected)

    def test_taken_back(self) -> None:
        """What was taken back is not started; whoever counts hears that it is over."""
        call = self.call("a")
        call.taken_back = True
        self.turn()
        self.assertEqual((self.answers, self.told), ([], [("a", None)]))

    def test_gate(self) -> None:
        """After a loss nothing is taken until the reactor has heard of it."""
        self.crossing.heard = self.told.append
        self.crossing.state_changed(KazooState.SUSPENDED)
        self.crossing.state_changed(KazooState.CONNECTED)
        late = self.call("late")
        self.crossing.select([self.crossing.bell], [], [], 0)
        self.assertEqual(self.answers, [])
        for one in list(self.posted):
            one()
        self.assertEqual(self.told, [KazooState.SUSPENDED, KazooState.CONNECTED])
        self.assertEqual(self.crossing.loss_heard(), [late])
        self.call("after")
        self.turn()
        self.assertEqual(len(self.answers), 1)

    def test_silent_server(self) -> None:
        """The first answer of a server is waited for as long as others leave time for."""
        ours, theirs = socket.socketpair()
        wire = Wire(ours, 0.05, 0.0)
        self.addCleanup(theirs.close)
        self.addCleanup(wire.close)
        began = time.monotonic()
        self.assertEqual(self.crossing.select([wire], [], [], 30.0), ([], [], []))
        self.assertLess(time.monotonic() - began, 10.0)
        theirs.sendall(b"welcome")
        self.assertEqual(self.crossing.select([wire], [], [], 30.0), ([wire], [], []))
        self.assertEqual(wire.recv(7), b"welcome")
        threading.Timer(0.2, theirs.sendall, [b"more"]).start()
        self.assertEqual(self.crossing.select([wire], [], [], 30.0), ([wire], [], []))

    def test_faulty(self) -> None:
        """Whoever raises what it is told harms nobody after it."""

        def faulty(_: object) -> None:
            raise ZeroDivisionError

        self.crossing.put(faulty, 1)
        self.crossing.put(self.told.append, 2)
        self.turn()
        self.assertEqual(self.told, [2])
        self.assertEqual([type(fault) for fault in self.faults], [ZeroDivisionError])

    def test_spoken_to_late(self) -> None:
        """Whoever asks for an answer that is there has it at once."""
        answer = Answer()
        with self.assertRaises(LinkSilent):
            answer.get()
        answer.set(5)
        answer.rawlink(partial(self.told.append))
        self.assertEqual((self.told, answer.get(), answer.successful()), ([answer], 5, True))
