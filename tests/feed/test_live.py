"""Sessions: what a client is told, when, and what ends it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mesostw.feed.board import Board
from mesostw.feed.changes import Feed
from mesostw.feed.live import ASLEEP_AFTER_S, BOOKMARK_S, PAUSED_MAX_S, Live
from mesostw.feed.sessions import Session
from mesostw.feed.snapshots import columnar
from mesostw.feed.tables import Row, Table
from tests.feed.model_client import ModelClient


class WallClock(Clock):
    """A test's clock with a wall."""

    def wall(self) -> float:
        return 1_790_000_000.0 + self.seconds()


class Cells:
    """A state of numbered cells; a change is ``(key, value or None)``."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def apply(self, change: tuple[str, int | None]) -> None:
        key, value = change
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value


class CellLayout:
    """Two topics over the cells: small keys and capital keys."""

    def __init__(self, state: Cells) -> None:
        self._state = state
        self.tables = [
            Table("small", ("id", "n", "odd"), self._row),
            Table("capital", ("id", "n", "odd"), self._row),
        ]

    def _row(self, key: Hashable) -> Row | None:
        value = self._state.values.get(str(key))
        return None if value is None else (key, value, value % 2)

    def noted(self, change: Any) -> None:
        pass

    def touched(self, change: Any) -> Iterable[tuple[str, Hashable]]:
        return [("small" if change[0].islower() else "capital", change[0])]

    def everything(self) -> Iterable[tuple[str, Hashable]]:
        return [("small" if key.islower() else "capital", key) for key in self._state.values]

    def cleared(self) -> None:
        pass


class World:
    """A feed, its board and live sessions over virtual time."""

    def __init__(self) -> None:
        self.clock = WallClock()
        self.restart(1)

    def restart(self, epoch: int) -> None:
        """A new life of the server: all numbers start again."""
        self.feed: Feed[Any, Any] = Feed(Cells())
        self.feed.begin(epoch)
        self.board = Board(self.feed, CellLayout(self.feed.view))
        self.live = Live(self.board, self.clock, "0.1.0")

    def change(self, key: str, value: int | None) -> None:
        self.feed.publish([(key, value)])

    def snapshot(self, topic: str) -> dict[str, Any]:
        table = self.live.current(topic)
        body: dict[str, Any] = msgspec.json.decode(columnar(self.live.epoch, table))
        return body

    def client(self, topic: str = "small") -> ModelClient:
        return ModelClient(topic, lambda: self.snapshot(topic))

    def join(self, client: ModelClient) -> Session:
        session = self.live.opened(client)
        self.live.heard(session, client.hello())
        self.live.heard(session, client.sub())
        return session


class SessionTests(SynchronousTestCase):
    """One server, a few clients."""

    def setUp(self) -> None:
        self.world = World()
        self.addCleanup(self.stop)
        self.client = self.world.client()
        self.session = self.world.join(self.client)

    def stop(self) -> None:
        self.world.live.stop()

    def words(self, kind: str) -> list[dict[str, Any]]:
        return [word for word in self.client.frames if word["t"] == kind]

    def values(self) -> dict[str, int]:
        return {row["id"]: row["n"] for row in self.client.rows.values()}

    def test_welcome(self) -> None:
        """A hello is answered with the epoch, the number and the wall clock in ms."""
        welcome = self.words("welcome")[0]
        self.assertEqual((welcome["epoch"], welcome["seq"]), ("1.1", 0))
        self.assertEqual(welcome["now"], 1_790_000_000_000)

    def test_first_change_goes_at_once(self) -> None:
        """After quiet a change is sent in the next reactor turn, without a window."""
        self.world.clock.advance(1)
        self.world.change("a", 1)
        self.world.clock.advance(0)
        self.assertEqual(self.values(), {"a": 1})

    def test_changes_in_a_window_are_one_frame(self) -> None:
        """Within 50 ms many changes of a row make one patch, the last one."""
        self.world.clock.advance(1)
        self.world.change("a", 1)
        self.world.clock.advance(0)
        for value in range(2, 10):
            self.world.change("a", value)
            self.world.clock.advance(0.005)
        self.world.clock.advance(0.05)
        self.assertEqual(self.values(), {"a": 9})
        self.assertEqual(len(self.words("d")), 2)

    def test_bookmarks(self) -> None:
        """On a quiet topic the number still moves, every 5 s."""
        self.world.change("A", 1)
        for _ in range(int(BOOKMARK_S) + 1):
            self.world.clock.advance(1)
        self.assertEqual(self.words("m")[-1]["seq"], 1)
        self.assertEqual(self.client.known, ("1.1", 1))

    def test_resume_without_snapshot(self) -> None:
        """Who comes back with a number hears only what changed meanwhile."""
        self.world.change("a", 1)
        self.world.change("b", 1)
        self.world.clock.advance(0.1)
        self.world.live.closed(self.session)
        self.world.change("a", 2)
        self.world.clock.advance(1)
        self.client.frames.clear()
        self.world.join(self.client)
        self.assertEqual(self.words("d")[0]["c"], [[1, {"n": 2, "odd": 0}]])
        self.assertEqual(self.client.resets, [])

    def test_another_epoch_is_reset(self) -> None:
        """Numbers of another life of the server are refused."""
        self.world.live.stop()
        self.world.restart(2)
        self.world.join(self.client)
        self.assertEqual(self.client.resets, ["epoch"])

    def test_unknown_topic(self) -> None:
        """A topic that does not exist is a reset by schema, and the session lives."""
        self.world.live.heard(self.session, b'{"t":"sub","id":7,"topic":"nonsense"}')
        self.assertEqual(self.client.resets, ["schema"])
        self.assertEqual(self.client.ended, [])

    def test_whole_table_without_a_snapshot(self) -> None:
        """Without ``since`` the first frame has the whole table."""
        self.world.change("a", 1)
        self.client.frames.clear()
        self.client.known = ("1.1", -1)
        self.world.live.heard(self.session, b'{"t":"sub","id":2,"topic":"small"}')
        self.assertEqual(self.words("d")[0]["c"], [[1, [1, {"id": "a", "n": 1, "odd": 1}]]])

    def test_paused_clients_cost_nothing_and_catch_up(self) -> None:
        """A client that does not read is told the last values when it does again."""
        self.world.live.paused(self.session)
        for value in range(1000):
            self.world.change("a", value)
            self.world.clock.advance(0.01)
        self.assertEqual(self.words("d"), [])
        self.world.live.resumed(self.session)
        self.assertEqual(len(self.words("d")), 1)
        self.assertEqual(self.values(), {"a": 999})

    def test_paused_too_long(self) -> None:
        """Who has not read for 30 s is ended with 4408."""
        self.world.live.paused(self.session)
        for _ in range(int(PAUSED_MAX_S) + 2):
            self.world.clock.advance(1)
        self.assertEqual(self.client.ended, [(4408, "does not read")])

    def test_hidden_pages_hear_every_two_seconds(self) -> None:
        """A hidden page is told less often, and at once when it is shown."""
        self.world.live.heard(self.session, b'{"t":"vis","hidden":true}')
        for value in range(40):
            self.world.change("a", value)
            self.world.clock.advance(0.1)
        self.assertLessEqual(len(self.words("d")), 3)
        self.world.change("a", 77)
        self.world.clock.advance(0.1)
        self.world.live.heard(self.session, b'{"t":"vis","hidden":false}')
        self.assertEqual(self.values(), {"a": 77})

    def test_rules_of_speech(self) -> None:
        """No hello, garbage, wrong version and chatter each end a session with a text."""
        cases = (
            ([b'{"t":"vis","hidden":true}'], 4400),
            ([b"\xff\x00"], 4400),
            ([b"[" * 5000], 4400),
            ([b'{"t":"hello","v":2}'], 4406),
            ([b'{"t":"hello","v":1}', b'{"t":"nonsense"}'], 4400),
            ([b'{"t":"hello","v":1}'] * 21, 4429),
        )
        for words, code in cases:
            client = self.world.client()
            session = self.world.live.opened(client)
            for word in words:
                self.world.live.heard(session, word)
            self.assertEqual([ended for ended, _ in client.ended], [code], words[:1])
            self.assertNotIn(session, self.world.live.sessions)

    def test_silent_visitors_are_ended(self) -> None:
        """Who says no hello in 5 s is ended."""
        client = self.world.client()
        self.world.live.opened(client)
        for _ in range(7):
            self.world.clock.advance(1)
        self.assertEqual(client.ended, [(4408, "no hello")])

    def test_unwatched_boards_sleep(self) -> None:
        """Nobody looking for 5 minutes: rows are forgotten, old numbers refused, nothing armed."""
        self.world.change("a", 1)
        self.world.clock.advance(0.1)
        self.world.live.closed(self.session)
        for _ in range(int(ASLEEP_AFTER_S) + 2):
            self.world.clock.advance(1)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
        self.assertEqual(self.world.board.tables["small"].rows, {})
        self.world.join(self.client)
        self.assertEqual(self.client.resets, ["epoch"])

    def test_bye(self) -> None:
        """A server that stops says so."""
        self.world.live.stop("leader", "http://other:5050/")
        self.assertEqual(self.words("bye")[0]["url"], "http://other:5050/")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from("abcABC"), st.integers(0, 3)),
        st.tuples(st.just("drop"), st.sampled_from("abcABC")),
        st.tuples(st.just("wait"), st.sampled_from((0.0, 0.01, 0.06, 1.0, 5.0, 130.0))),
        st.tuples(
            st.sampled_from(("lose", "join", "pause", "resume", "hide", "show")), st.integers(0, 1)
        ),
        st.tuples(st.just("restart")),
    ),
    max_size=60,
)


class ScheduleTests(SynchronousTestCase):
    """Safety: whatever happens, a client that is up to date has the server's table."""

    @settings(max_examples=150, deadline=None)
    @given(STEPS)
    def test_any_schedule(self, steps: list[tuple[Any, ...]]) -> None:
        """Any loss, reconnect, pause and restart leave client table and server table equal."""
        world = World()
        clients = [world.client(), world.client("capital")]
        sessions: list[Session | None] = [world.join(one) for one in clients]
        epoch = 1
        for step in [*steps, ("join", 0), ("join", 1), ("wait", 0.3), ("wait", 6.0)]:
            match step:
                case ("set", key, value):
                    world.change(key, value)
                case ("drop", key):
                    world.change(key, None)
                case ("wait", seconds):
                    world.clock.pump([seconds / 4] * 4)
                case ("restart",):
                    epoch += 1
                    world.live.stop()
                    world.restart(epoch)
                    sessions = [None, None]
                case (name, number):
                    self._step(world, clients[number], sessions, name, number)
        for client, topic in zip(clients, ("small", "capital"), strict=True):
            body = world.snapshot(topic)
            server = {
                handle: {"id": key, "n": n, "odd": odd}
                for handle, key, n, odd in zip(
                    body["h"], *[body["cols"][name] for name in ("id", "n", "odd")], strict=True
                )
            }
            self.assertEqual(client.rows, server)
        world.live.stop()

    def _step(
        self,
        world: World,
        client: ModelClient,
        sessions: list[Session | None],
        name: str,
        number: int,
    ) -> None:
        session = sessions[number]
        if name == "join":
            if session is not None:
                world.live.closed(session)
            sessions[number] = world.join(client)
            while client.wants_snapshot:
                assert sessions[number] is not None
                world.live.heard(sessions[number], client.sub())
        elif session is None or session.ended:
            sessions[number] = None
        elif name == "lose":
            world.live.closed(session)
            sessions[number] = None
        elif name == "pause":
            world.live.paused(session)
        elif name == "resume":
            world.live.resumed(session)
        else:
            word = {"t": "vis", "hidden": name == "hide"}
            world.live.heard(session, msgspec.json.encode(word))
