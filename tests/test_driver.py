"""A driver keeps first and speaks after, in order, and stops when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mesostw import driver as module
from mesostw.core.outcome import (
    Answer,
    Arm,
    Asked,
    Close,
    Continue,
    Continued,
    Disarm,
    Heard,
    Moment,
    Outcome,
    Records,
    Refusal,
    Route,
    Send,
    TimerFired,
    Write,
)
from mesostw.driver import Driver
from mesostw.feed.changes import Feed
from mesostw.interfaces import Deposed, GivenUp, IInbox, StoreFailed
from mesostw.model.ids import LinkId, RouteId
from mesostw.store.memory import MemoryDisk, MemoryStore
from mesostw.testing.clock import HeapClock
from mesostw.testing.recorders import RecordingExchange, RecordingPerformer


class Set(Struct, frozen=True):
    """A change: a name has a value. Durable if the name does not start with ``soft``."""

    name: str
    value: int


class Kept(Struct, frozen=True):
    """The durable form of a value."""

    value: int


class Word(Struct, frozen=True):
    """A message."""

    text: str


class Do(Struct, frozen=True):
    """A stimulus that says its own outcome."""

    changes: tuple[Any, ...] = ()
    effects: tuple[Any, ...] = ()


class Table:
    """The state: names and values."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def apply(self, change: Set) -> None:
        self.values[change.name] = change.value


class Puppet:
    """A core that does what its stimuli say."""

    RECORDS: Mapping[str, type[Struct]] = {"values": Kept}

    def __init__(self) -> None:
        self.state = Table()
        self.heard: list[tuple[Moment, object]] = []
        self.checked = 0

    def hear(self, stimulus: Any, now: Moment) -> Outcome[Any, Any]:
        self.heard.append((now, stimulus))
        outcome: Outcome[Any, Any] = Outcome()
        match stimulus:
            case Do():
                outcome.changes.extend(stimulus.changes)
                outcome.effects.extend(stimulus.effects)
            case Asked(request=request, question=Do() as asked):
                outcome.changes.extend(asked.changes)
                outcome.effects.append(Answer(request, Kept(len(asked.changes))))
            case Asked(request=request):
                outcome.effects.append(Answer(request, Refusal("NO", "not that")))
            case Heard(message=Word(text="bug")):
                raise ZeroDivisionError
        for change in outcome.changes:
            self.state.apply(change)
        return outcome

    def restore(self, records: Records, now: Moment) -> Outcome[Any, Any]:
        outcome: Outcome[Any, Any] = Outcome()
        for key, record in sorted(records):
            outcome.changes.append(Set(key.partition("/")[2], record.value))  # type: ignore[attr-defined]
        for change in outcome.changes:
            self.state.apply(change)
        return outcome

    def write_of(self, change: Set) -> Write | None:
        if change.name.startswith("soft"):
            return None
        return Write(f"values/{change.name}", Kept(change.value) if change.value else None)

    def check(self) -> None:
        self.checked += 1


def says(text: str, link: int = 1) -> Send:
    """The effect of saying ``text``."""
    return Send(LinkId(link), Word(text))


class DriverTestCase(SynchronousTestCase):
    """A driver over a memory store that takes ``FLUSH_S`` to keep a group."""

    FLUSH_S = 1.0

    def setUp(self) -> None:
        self.disk = MemoryDisk()
        self.given_up: list[Failure] = []
        self.begin()

    def begin(self, **options: Any) -> None:
        """Start another life on the same disk."""
        self.clock, self.core = HeapClock(), Puppet()
        self.store = MemoryStore(self.disk, self.clock, self.FLUSH_S)
        self.feed: Feed[Table, Set] = Feed(Table())
        self.exchange, self.performer = RecordingExchange(), RecordingPerformer()
        self.driver: Driver[Any, Any, Any] = Driver(
            self.clock,
            self.core,
            self.store,
            self.feed,
            self.exchange,
            self.performer,
            self.given_up.append,
            **options,
        )
        self.successResultOf(Deferred.fromCoroutine(self.driver.start()))

    def said(self, link: int = 1) -> list[str]:
        return [word.text for word in self.exchange.sent.get(LinkId(link), [])]  # type: ignore[attr-defined]

    def do(self, *effects: object, changes: tuple[Set, ...] = ()) -> None:
        self.driver.tell([Do(changes, effects)])


class TurnTests(DriverTestCase):
    """What is told is heard in the next turn, at one moment."""

    def test_provides(self) -> None:
        """A driver is an inbox."""
        verifyObject(IInbox, self.driver)

    def test_next_turn(self) -> None:
        """Nothing is heard in the call that tells; all that was told is heard at one moment."""
        self.do()
        self.do()
        self.assertEqual(self.core.heard, [])
        self.clock.advance(0)
        first, second = self.core.heard
        self.assertIs(first[0], second[0])
        self.assertEqual(first[0], Moment(0.0, self.clock.wall_offset))

    def test_stimuli_max(self) -> None:
        """A turn hears at most ``TURN_STIMULI_MAX``; the next one goes on."""
        self.driver.tell([Do()] * (module.TURN_STIMULI_MAX + 1))
        self.clock.step()
        self.assertEqual(len(self.core.heard), module.TURN_STIMULI_MAX)
        self.clock.step()
        self.assertEqual(len(self.core.heard), module.TURN_STIMULI_MAX + 1)

    def test_time_max(self) -> None:
        """A turn that takes long is cut, so that the reactor is not blocked."""
        hear = self.core.hear

        def slowly(stimulus: Any, now: Moment) -> Outcome[Any, Any]:
            self.clock._now += 0.001
            return hear(stimulus, now)

        self.core.hear = slowly  # type: ignore[method-assign]
        self.driver.tell([Do()] * 200)
        self.clock.step()
        self.assertLess(len(self.core.heard), 2 * module.CLOCK_EVERY_STIMULI + 1)
        self.clock.advance(1)
        self.assertEqual(len(self.core.heard), 200)

    def test_group_bytes_max(self) -> None:
        """A turn with much to keep is cut."""
        change = Set("x" * (module.GROUP_BYTES_MAX // 2), 1)
        self.driver.tell([Do((change,))] * 4)
        self.clock.step()
        self.assertLess(len(self.core.heard), 4)
        self.clock.advance(0)
        self.assertEqual(len(self.core.heard), 4)

    def test_room(self) -> None:
        """A full inbox says so, and resumes who waits when it has been heard."""
        resumed: list[int] = []
        self.assertTrue(self.driver.has_room(lambda: resumed.append(0)))
        self.driver.tell([Do()] * module.INBOX_STIMULI_MAX)
        self.assertFalse(self.driver.has_room(lambda: resumed.append(1)))
        self.clock.step()
        self.assertEqual(resumed, [])
        self.clock.advance(0)
        self.assertEqual(resumed, [1])

    def test_room_while_keeping(self) -> None:
        """While the store does not keep up nothing more is taken in, however little is told."""
        resumed: list[int] = []
        for _ in range(module.TURNS_WAITING_MAX):
            self.assertTrue(self.driver.has_room(lambda: resumed.append(0)))
            self.do(changes=(Set("a", 1),))
            self.clock.advance(0)
        self.assertFalse(self.driver.has_room(lambda: resumed.append(1)))
        self.clock.advance(1)
        self.assertEqual(resumed, [1])

    def test_check(self) -> None:
        """A checking driver has the core check itself after every turn."""
        self.begin(checking=True)
        self.do()
        self.clock.advance(0)
        self.assertEqual(self.core.checked, 1)


class OrderTests(DriverTestCase):
    """Outputs wait for the log and are never reordered."""

    def test_kept_first(self) -> None:
        """What a durable turn says is published and sent after it was kept."""
        self.do(says("done"), changes=(Set("a", 1),))
        self.clock.advance(0.9)
        self.assertEqual((self.said(), self.feed.seq, self.core.state.values), ([], 0, {"a": 1}))
        self.clock.advance(0.1)
        self.assertEqual((self.said(), self.feed.seq), (["done"], 1))
        self.assertEqual(self.feed.view.values, {"a": 1})
        self.assertIn("values/a", self.disk.records)

    def test_soft_turn_is_free(self) -> None:
        """A turn without durable changes writes nothing and is released at once."""
        self.do(says("now"), changes=(Set("soft", 1),))
        self.clock.advance(0)
        self.assertEqual((self.said(), self.feed.view.values), (["now"], {"soft": 1}))
        self.assertEqual(self.disk.groups, 0)

    def test_soft_waits_behind_durable(self) -> None:
        """Later turns are heard while a group is being kept, and released after it."""
        self.do(says("first"), changes=(Set("a", 1),))
        self.clock.advance(0.5)
        self.do(says("second"))
        self.clock.advance(0.25)
        self.assertEqual((len(self.core.heard), self.said()), (2, []))
        self.do(says("third"), changes=(Set("b", 1),))
        self.clock.advance(0.25)
        self.assertEqual(self.said(), ["first", "second"])
        self.clock.advance(1)
        self.assertEqual(self.said(), ["first", "second", "third"])

    def test_turns_waiting_max(self) -> None:
        """A store that does not keep up stops the hearing, not the memory."""
        for _ in range(3 * module.TURNS_WAITING_MAX):
            self.do(changes=(Set("a", 1),))
            self.clock.advance(0)
        self.assertEqual(len(self.core.heard), module.TURNS_WAITING_MAX)
        self.clock.advance(10)
        self.assertEqual(len(self.core.heard), 3 * module.TURNS_WAITING_MAX)

    def test_one_write_a_peer(self) -> None:
        """All that a turn says to one peer is one call of the exchange."""
        self.do(says("a"), says("b", 2), says("c"))
        self.do(says("d"))
        self.clock.advance(0)
        texts = [(what[1], [word.text for word in what[2]]) for what in self.exchange.done]  # type: ignore
        self.assertEqual(texts, [(1, ["a", "c", "d"]), (2, ["b"])])

    def test_close_after_sends(self) -> None:
        """What was said before a close is sent before it; what was said after is not lost."""
        self.do(says("bye"), Close(LinkId(1), "enough"), says("other", 2))
        self.clock.advance(0)
        self.assertEqual(
            [(what[0], what[1]) for what in self.exchange.done],
            [("send", 1), ("close", 1), ("send", 2)],
        )

    def test_own_effects(self) -> None:
        """Routes go to the exchange, what only a role knows to its performer."""
        route = Route(LinkId(1), RouteId(2), LinkId(3), RouteId(4))
        self.do(route, Word("launch"))
        self.clock.advance(0)
        self.assertEqual(self.exchange.done, [("route", route)])
        self.assertEqual(self.performer.performed, [Word("launch")])

    def test_continue(self) -> None:
        """Long work goes on in the next turn, after what was told meanwhile."""
        self.do(Continue())
        self.clock.step()
        self.clock.advance(0)
        self.assertEqual(self.core.heard[1][1], Continued())


class TimerTests(DriverTestCase):
    """Timers are values: armed, armed again, disarmed."""

    def fired(self) -> list[float]:
        return [now.steady for now, what in self.core.heard if isinstance(what, TimerFired)]

    def test_fires_once(self) -> None:
        """A timer is told once, when its delay is over."""
        self.do(Arm(Word("ping"), 15))
        self.clock.advance(100)
        self.assertEqual(self.fired(), [15])

    def test_armed_again(self) -> None:
        """Arming again replaces, whether later or sooner."""
        self.do(Arm(Word("ping"), 15))
        self.clock.advance(10)
        self.do(Arm(Word("ping"), 15))
        self.clock.advance(10)
        self.assertEqual(self.fired(), [])
        self.do(Arm(Word("ping"), 1))
        self.clock.advance(100)
        self.assertEqual(self.fired(), [21])

    def test_disarmed(self) -> None:
        """A disarmed timer is not told, and disarming what is not armed is no error."""
        self.do(Arm(Word("ping"), 15), Arm(Word("pong"), 16))
        self.do(Disarm(Word("ping")), Disarm(Word("never")))
        self.clock.advance(100)
        self.assertEqual(self.fired(), [16])


class QuestionTests(DriverTestCase):
    """Questions are answered once what they changed is kept and published."""

    def test_reads_own_write(self) -> None:
        """Who has been answered finds the change in the view."""
        answer = self.driver.ask(Do((Set("a", 5),)))
        self.clock.advance(0)
        self.assertNoResult(answer)
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(answer), Kept(1))
        self.assertEqual(self.feed.view.values, {"a": 5})

    def test_refusal(self) -> None:
        """A refusal is a value."""
        answer = self.driver.ask(Word("may I"))
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(answer), Refusal("NO", "not that"))

    def test_cancelled(self) -> None:
        """Who no longer waits is forgotten."""
        answer = self.driver.ask(Do((Set("a", 5),)))
        answer.cancel()
        self.failureResultOf(answer)
        self.clock.advance(5)
        self.assertEqual(self.feed.view.values, {"a": 5})

    def test_stop(self) -> None:
        """Stopping keeps what was heard, refuses what was not, and closes the store."""
        self.do(says("kept"), changes=(Set("a", 5),))
        self.clock.advance(0)
        late = self.driver.ask(Do())
        stopped = self.driver.stop()
        self.clock.advance(1)
        self.successResultOf(stopped)
        self.assertEqual(self.said(), ["kept"])
        self.failureResultOf(late, GivenUp)
        self.failureResultOf(self.driver.ask(Do()), GivenUp)
        self.assertEqual(list(self.clock.getDelayedCalls()), [])


class FailureTests(DriverTestCase):
    """What cannot be kept is never said."""

    def gives_up(self, kind: type[Exception], provoke: Callable[[], object]) -> None:
        asked = self.driver.ask(Do((Set("asked", 1),)))
        self.do(says("never"), changes=(Set("a", 1),))
        provoke()
        self.do(says("never"))
        self.clock.advance(5)
        self.do(says("never"))
        self.clock.advance(5)
        self.assertEqual([failure.type for failure in self.given_up], [kind])
        self.assertEqual((self.said(), self.feed.seq), ([], 0))
        self.failureResultOf(asked, GivenUp)
        self.assertEqual(len(self.flushLoggedErrors(kind)), 1)
        self.assertEqual(list(self.clock.getDelayedCalls()), [])

    def test_full(self) -> None:
        """A group that could not be kept stops the daemon."""
        self.gives_up(StoreFailed, lambda: self.store.fail_from_now("no space"))

    def test_deposed(self) -> None:
        """A daemon whose epoch is over stops, and says nothing more."""
        self.gives_up(Deposed, MemoryStore(self.disk).read)

    def test_bug(self) -> None:
        """A core that raises stops the daemon, with the story in the log."""
        self.do(says("before"))
        self.clock.advance(0)
        self.exchange.sent.clear()
        self.gives_up(ZeroDivisionError, lambda: self.driver.tell([Heard(LinkId(1), Word("bug"))]))
        self.assertIn("before", self.driver.story("Send")[0])


class RestoreTests(DriverTestCase):
    """A later life starts from what was kept."""

    def test_restore(self) -> None:
        """The core, and the feed's view, start with the last value of each key."""
        self.do(changes=(Set("a", 1), Set("b", 1), Set("soft", 1)))
        self.do(changes=(Set("a", 2), Set("b", 0)))
        self.clock.advance(1)
        epoch = self.driver.epoch
        self.begin()
        self.assertGreater(self.driver.epoch, epoch)
        self.clock.advance(1)
        self.assertEqual(self.core.state.values, {"a": 2})
        self.assertEqual(self.feed.view.values, {"a": 2})

    def test_quarantine(self) -> None:
        """A record that cannot be read is moved aside, logged, and does not stop the start."""
        self.disk.records = {
            "values/good": b"\x01\x81\xa5value\x07",
            "values/bad": b"\x01\xff\xff",
            "values/old": b"\x7fwhat",
            "strange/x": b"\x01\x80",
        }
        self.begin()
        self.clock.advance(1)
        self.assertEqual(self.core.state.values, {"good": 7})
        self.assertEqual(
            set(self.disk.records),
            {"values/good", "quarantine/values/bad", "quarantine/values/old", "strange/x"},
        )
        self.begin()
        self.assertEqual(self.core.state.values, {"good": 7})

    def test_told_before_start(self) -> None:
        """What is told before the store was read waits for it."""
        driver: Driver[Any, Any, Any] = Driver(
            self.clock,
            self.core,
            self.store,
            self.feed,
            self.exchange,
            self.performer,
            self.given_up.append,
        )
        driver.tell([Do()])
        self.clock.advance(1)
        self.assertEqual(self.core.heard, [])
        self.successResultOf(Deferred.fromCoroutine(driver.start()))
        self.clock.advance(0)
        self.assertEqual(len(self.core.heard), 1)
