"""
Live sessions: who follows which topics, and up to where each knows them.

::

    client                                  server
    hello                            ->
                                     <-     welcome
    sub {topic, since: [epoch, n]}   ->
                                     <-     ok
                                     <-     d   what changed from n+1 on, as one frame
                                     <-     d   [n', m'] ... without gaps for each topic
                                     <-     m   every 5 s: all topics are known up to here
                                     <-     reset   gap, epoch, slow, schema: take a snapshot

No I/O here: a session is given an :class:`Outlet`, and time through a clock port.

Note [Late]: a client that does not read (paused) or is not looked at (hidden) is
late: shared frames pass it by and nothing is kept for it.  When it is back it gets
the present values of all that changed since (see Note [One ring] in ``tables``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from twisted.internet.interfaces import IDelayedCall

from mesostw.feed import frames
from mesostw.feed.board import Board
from mesostw.feed.sessions import Outlet, Session
from mesostw.feed.sharing import Delivery, Outbox, Replays
from mesostw.feed.tables import Table
from mesostw.interfaces import IClock

#: Seconds between two flushes for up to 200 sessions, up to 1,000, and beyond.
WINDOWS_S: Final = ((200, 0.05), (1000, 0.1))
WINDOW_MAX_S: Final = 0.25
#: A flush that comes this much too late (seconds) widens the window to the largest.
LAG_MAX_S: Final = 0.05
BOOKMARK_S: Final = 5.0
HIDDEN_FLUSH_S: Final = 2.0
HELLO_TIMEOUT_S: Final = 5.0
PAUSED_MAX_S: Final = 30.0
SESSIONS_MAX: Final = 5000
SUBSCRIPTIONS_MAX: Final = 32
MESSAGES_PER_SECOND_MAX: Final = 20
#: A board that nobody has looked at for so long forgets its rows.
ASLEEP_AFTER_S: Final = 300.0


class Live:
    """Every session of one board."""

    def __init__(self, board: Board, clock: IClock, version: str = "") -> None:
        self._board, self._clock, self._version = board, clock, version
        self.sessions: dict[Session, None] = {}
        #: How late the last flush was, in seconds.
        self.lag_s = 0.0
        self._outbox = Outbox()
        self._replays = Replays()
        self._flush_due: float | None = None
        self._flushed = self._bookmarked = self._hidden_told = self._looked = clock.seconds()
        self._calls: dict[str, IDelayedCall] = {}
        board.listen(self._woken)

    # --- sessions -------------------------------------------------------------

    def opened(self, outlet: Outlet) -> Session:
        """A client is there; it says hello within ``HELLO_TIMEOUT_S`` or is ended."""
        session = Session(outlet, self._clock.seconds())
        self.sessions[session] = None
        self.looked()
        if len(self.sessions) > SESSIONS_MAX:
            self._end(session, 4429, "too many live clients")
        return session

    def closed(self, session: Session) -> None:
        """The client is gone, whoever ended it."""
        session.ended = True
        self.sessions.pop(session, None)

    def heard(self, session: Session, payload: bytes) -> None:
        """A client said something; what breaks the rules ends it with a text."""
        if session.ended:
            return
        second = int(self._clock.seconds())
        if second != session.second:
            session.second, session.heard_in_second = second, 0
        session.heard_in_second += 1
        if session.heard_in_second > MESSAGES_PER_SECOND_MAX:
            self._end(session, 4429, f"over {MESSAGES_PER_SECOND_MAX} messages a second")
            return
        try:
            word = frames.said(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            self._end(session, 4400, f"not understood: {fault}"[:120])
            return
        self._obey(session, word)

    def paused(self, session: Session) -> None:
        """The client does not read: it is late from now on."""
        if session.paused_since is None:
            session.paused_since = self._clock.seconds()

    def resumed(self, session: Session) -> None:
        """The client reads again."""
        session.paused_since = None
        self._catch_up(session)

    def stop(self, why: str = "shutdown", url: str | None = None) -> None:
        """Say good-bye to everyone and arm nothing more."""
        farewell = frames.bye(why, url)
        for session in tuple(self.sessions):
            session.outlet.say(farewell)
            self._end(session, 4001, why)
        for call in self._calls.values():
            if call.active():
                call.cancel()
        self._calls.clear()
        self._board.stop()

    def looked(self) -> None:
        """Somebody wants to see the board: wake it, and keep it awake a while."""
        self._looked = self._clock.seconds()
        self._board.wake(self._looked)
        self._arm("tick", 1.0, self._tick)

    @property
    def epoch(self) -> str:
        """The life of the board's numbers."""
        return self._board.epoch

    def knows(self, topic: str) -> bool:
        """Whether there is such a topic."""
        return topic in self._board.tables

    def current(self, topic: str) -> Table:
        """The table of ``topic`` as of now; followers are told what that brought up."""
        self.looked()
        # All of them, in their order: sums stand behind what they sum up.
        self._fold_all(self._looked)
        return self._board.tables[topic]

    # --- words --------------------------------------------------------------

    def _obey(self, session: Session, word: frames.Said) -> None:
        if not session.greeted and not isinstance(word, frames.Hello):
            self._end(session, 4400, "say hello first")
            return
        match word:
            case frames.Hello():
                self._greet(session, word)
            case frames.Sub():
                self._subscribe(session, word)
            case frames.Unsub():
                for topic, number in tuple(session.subscriptions.items()):
                    if number == word.id:
                        session.leave(topic)
            case frames.Vis():
                session.hidden = word.hidden
                self._catch_up(session)

    def _greet(self, session: Session, word: frames.Hello) -> None:
        if word.v != frames.VERSION:
            self._end(session, 4406, f"this server speaks version {frames.VERSION}")
            return
        session.greeted = True
        board, window_ms = self._board, round(self._window() * 1000)
        now_ms = round(self._clock.wall() * 1000)
        session.outlet.say(frames.welcome(board.epoch, board.seq, now_ms, window_ms, self._version))

    def _subscribe(self, session: Session, word: frames.Sub) -> None:
        topic, known = word.topic, word.since
        if topic not in self._board.tables:
            session.outlet.say(frames.reset(word.id, topic[:100], "schema"))
            return
        if topic not in session.subscriptions and len(session.at) >= SUBSCRIPTIONS_MAX:
            self._end(session, 4429, f"over {SUBSCRIPTIONS_MAX} subscriptions")
            return
        session.leave(topic)
        if known is not None and known[0] != self._board.epoch:
            session.outlet.say(frames.reset(word.id, topic, "epoch"))
            return
        table = self.current(topic)
        if known is not None and not table.floor <= known[1] <= table.sent:
            session.outlet.say(frames.reset(word.id, topic, "gap"))
            return
        session.subscriptions[topic] = word.id
        session.outlet.say(frames.ok(word.id, topic, table.sent, table.enums))
        if known is None:
            session.at[topic] = table.sent
            session.outlet.say(frames.delta(topic, 0, table.sent, table.whole()))
        else:
            session.at[topic] = known[1]
            self._catch_up(session)

    # --- telling ------------------------------------------------------------

    def _woken(self) -> None:
        if self._flush_due is None and self.sessions:
            now = self._clock.seconds()
            self._flush_due = max(now, self._flushed + self._window())
            self._arm("flush", self._flush_due - now, self._flush)

    def _window(self) -> float:
        if self.lag_s > LAG_MAX_S:
            return WINDOW_MAX_S
        for sessions, window in WINDOWS_S:
            if len(self.sessions) <= sessions:
                return window
        return WINDOW_MAX_S

    def _flush(self) -> None:
        now = self._clock.seconds()
        self.lag_s = max(0.0, now - self._flush_due) if self._flush_due is not None else 0.0
        self._flushed, self._flush_due = now, None
        self._fold_all(now)

    def _fold_all(self, now: float) -> None:
        for table in self._board.tables.values():
            if table.is_stale:
                self._fold(table, now)

    def _fold(self, table: Table, now: float) -> None:
        first = table.sent + 1
        masks = table.fold(self._board.seq, now)
        if not masks:
            return
        self._replays.clear()
        topic, last = table.name, table.sent
        told = [one for one in self.sessions if topic in one.at]
        if told:
            frame = frames.delta(topic, first, last, table.ops(masks))
            self._outbox.put(Delivery(frame, {topic: first - 1}, last, told, topic))
            self._pump()

    def _pump(self) -> None:
        if self._outbox.pump():
            self._arm("pump", 0.0, self._pump)

    def _catch_up(self, session: Session) -> None:
        if session.paused_since is not None or session.ended:
            return
        for topic, at in tuple(session.at.items()):
            table = self._board.tables[topic]
            if at == table.sent:
                continue
            frame = self._replays.get(table, at)
            if frame is None:
                number = session.subscriptions[topic]
                session.leave(topic)
                session.outlet.say(frames.reset(number, topic, "slow"))
            else:
                session.at[topic] = table.sent
                session.outlet.say(frame)

    # --- time ---------------------------------------------------------------

    def _tick(self) -> None:
        now = self._clock.seconds()
        for session in tuple(self.sessions):
            if not session.greeted and now - session.opened >= HELLO_TIMEOUT_S:
                self._end(session, 4408, "no hello")
            elif session.paused_since is not None and now - session.paused_since >= PAUSED_MAX_S:
                self._end(session, 4408, "does not read")
        if now - self._hidden_told >= HIDDEN_FLUSH_S:
            self._hidden_told = now
            for session in tuple(self.sessions):
                if session.hidden:
                    self._catch_up(session)
        if now - self._bookmarked >= BOOKMARK_S:
            self._bookmarked = now
            self._bookmark(now)
        if self.sessions:
            self._looked = now
        if now - self._looked >= ASLEEP_AFTER_S:
            self._board.sleep()
        else:
            self._arm("tick", 1.0, self._tick)

    def _bookmark(self, now: float) -> None:
        before: dict[str, int] = {}
        for topic, table in self._board.tables.items():
            self._fold(table, now)
            before[topic] = table.sent
            table.sent = self._board.seq
        self._replays.clear()
        wall_ms, lag_ms = round(self._clock.wall() * 1000), round(self.lag_s * 1000)
        frame = frames.bookmark(self._board.seq, wall_ms, lag_ms)
        told = [one for one in self.sessions if one.greeted]
        self._outbox.put(Delivery(frame, before, self._board.seq, told))
        self._pump()

    def _arm(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        armed = self._calls.get(name)
        if armed is None or not armed.active():
            self._calls[name] = self._clock.callLater(delay_s, call)

    def _end(self, session: Session, code: int, reason: str) -> None:
        self.closed(session)
        session.outlet.end(code, reason)
