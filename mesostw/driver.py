"""
The shell around any core: the only code that runs one.

::

    tell -> next reactor turn: core.hear each -> durable changes appended as one group
         -> kept: changes published -> effects performed in order, one write a peer

Note [Released in order]
    Turns are pipelined: later ones are heard while an earlier group is still being
    kept.  What a turn says is released strictly after everything that earlier turns
    said, and after its own durable changes are kept.  A turn without durable changes
    writes nothing, and is released at once when nothing is before it.

    So a core's own state runs ahead of the log, and nobody outside can see that.  One
    thing follows for cores: a timer that runs out while its ``Disarm`` waits for the
    log is still told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.core.outcome import (
    Answer,
    Arm,
    Asked,
    Close,
    Continue,
    Continued,
    Core,
    Disarm,
    Moment,
    Outcome,
    Route,
    Send,
    TimerFired,
    Unroute,
)
from mesostw.interfaces import (
    GivenUp,
    IClock,
    IExchange,
    IFeed,
    IInbox,
    IPerformer,
    IStore,
    Stored,
)
from mesostw.model.ids import LinkId, RequestId
from mesostw.unattended import unattended
from mesostw.wire.records import QUARANTINE, Decoding, encode_record

#: Stimuli that one turn hears at most, so that timers and reads come in between.
TURN_STIMULI_MAX: Final = 2_000
#: Seconds after which a turn hears nothing more; a fifth of what may block the reactor.
TURN_S_MAX: Final = 0.010
#: Stimuli between two looks at the clock.
CLOCK_EVERY_STIMULI: Final = 16
#: Bytes of durable values after which a turn is cut, so that a store's group stays small.
GROUP_BYTES_MAX: Final = 512 * 1024
#: Turns that may wait for the store; at this many nothing more is heard until it keeps up.
TURNS_WAITING_MAX: Final = 64
#: Stimuli that may wait to be heard before links are told to stop reading.
INBOX_STIMULI_MAX: Final = 20_000
#: Stimuli and outcomes remembered for the story of a failure.
STORY_STIMULI_MAX: Final = 500

_log = Logger()

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


class _Turn(Generic[C, E]):
    """What one turn led to, held back until it may be released."""

    __slots__ = ("bytes", "changes", "effects", "kept", "writes")

    def __init__(self) -> None:
        self.changes: list[C] = []
        self.effects: list[E] = []
        self.writes: dict[str, bytes | None] = {}
        self.bytes = 0
        self.kept = False


class Timers:
    """Delayed stimuli by their values; arming one again replaces the first."""

    def __init__(self, clock: IClock, tell: Callable[[Sequence[object]], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._calls: dict[Struct, IDelayedCall] = {}

    def arm(self, effect: Arm) -> None:
        """Tell ``TimerFired`` once, so much later."""
        armed = self._calls.get(effect.timer)
        if armed is not None:
            armed.reset(effect.delay_s)
        else:
            self._calls[effect.timer] = self._clock.callLater(
                effect.delay_s, self._ran_out, effect.timer
            )

    def disarm(self, effect: Disarm) -> None:
        """Forget a timer."""
        armed = self._calls.pop(effect.timer, None)
        if armed is not None:
            armed.cancel()

    def clear(self) -> None:
        """Forget all of them."""
        for call in self._calls.values():
            call.cancel()
        self._calls.clear()

    def _ran_out(self, timer: Struct) -> None:
        del self._calls[timer]
        self._tell((TimerFired(timer),))


class Story:
    """The last stimuli and what they led to, told only when somebody asks."""

    def __init__(self, *, verbose: bool) -> None:
        self._last: deque[tuple[Moment, object, Outcome[Any, Any]]]
        self._last = deque(maxlen=STORY_STIMULI_MAX)
        #: Call with the moment, the stimulus and its outcome.
        self.remember = self._remember_and_log if verbose else self._last.append

    def _remember_and_log(self, one: tuple[Moment, object, Outcome[Any, Any]]) -> None:
        self._last.append(one)
        _, heard, outcome = one
        said = (*outcome.changes, *outcome.effects)
        _log.debug("{heard} -> {said}", heard=heard, said=said)

    def lines(self, mention: str, lines_max: int) -> list[str]:
        """One line each, of those that mention ``mention``, oldest first."""
        told: list[str] = []
        for now, stimulus, outcome in reversed(self._last):
            line = f"{now.steady:.3f} {stimulus} -> {outcome.changes} {outcome.effects}"
            if mention in line:
                told.append(line)
                if len(told) == lines_max:
                    break
        return told[::-1]


class Questions:
    """Who awaits the answer to what."""

    def __init__(self) -> None:
        self._asked: dict[RequestId, Deferred[Struct | None]] = {}
        self._numbered = 0

    def ask(self) -> tuple[RequestId, Deferred[Struct | None]]:
        """A new number, and what fires with its answer."""
        self._numbered += 1
        request = RequestId(self._numbered)
        answer: Deferred[Struct | None] = Deferred(lambda _: self._forget(request))
        self._asked[request] = answer
        return request, answer

    def _forget(self, request: RequestId) -> None:
        self._asked.pop(request, None)

    def answer(self, effect: Answer) -> None:
        """Answer whoever still waits."""
        answer = self._asked.pop(effect.request, None)
        if answer is not None:
            answer.callback(effect.value)

    def refuse_all(self, reason: str) -> None:
        """There will be no answers."""
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            answer.errback(GivenUp(reason))


class _Voice:
    """
    Says what a turn says: effects in order, one write a peer.

    :param performers: of the kinds of effects that every driver performs.
    :param perform: performs all others.
    """

    def __init__(
        self,
        exchange: IExchange,
        performers: Mapping[type, Callable[..., None]],
        perform: Callable[[object], None],
    ) -> None:
        self._exchange, self._performers, self._perform = exchange, performers, perform

    def say(self, effects: Sequence[object]) -> None:
        """Perform ``effects``, and send what they say."""
        outbox: dict[LinkId, list[Struct]] = {}
        performers = self._performers
        for effect in effects:
            if type(effect) is Send:
                messages = outbox.get(effect.link)
                if messages is None:
                    outbox[effect.link] = [effect.message]
                else:
                    messages.append(effect.message)
                continue
            if type(effect) is Close and (last := outbox.pop(effect.link, None)):
                self._exchange.send(effect.link, last)
            performer = performers.get(type(effect), self._perform)
            performer(effect)
        send = self._exchange.send
        for link, messages in outbox.items():
            send(link, messages)


@implementer(IInbox)
class Driver(Generic[S, C, E]):
    """
    Tell a core what happened; keep what changed; only then say what it says.

    :param give_up: called once with the reason when the daemon must stop: the core
        has a bug, or the store refused or could not keep a group.
    :param checking: whether ``core.check()`` runs after every turn (the simulation).
    :param verbose: whether every stimulus is logged at debug with what the core said;
        that costs more than hearing it.
    """

    def __init__(
        self,
        clock: IClock,
        core: Core[S, C, E],
        store: IStore,
        feed: IFeed,
        exchange: IExchange,
        performer: IPerformer,
        give_up: Callable[[Failure], object],
        *,
        checking: bool = False,
        verbose: bool = False,
    ) -> None:
        self._clock = clock
        self._core = core
        self._store = store
        self._feed = feed
        self._exchange = exchange
        self._give_up = give_up
        self._checking = checking
        self._told: deque[object] = deque()
        self._turn_due: IDelayedCall | None = None
        self._waiting: deque[_Turn[C, E]] = deque()
        self._timers = Timers(clock, self.tell)
        self._questions = Questions()
        self._resumes: list[Callable[[], None]] = []
        self._story = Story(verbose=verbose)
        self._hearing: object = None
        self._running = self._held = False
        self._given_up = False
        self._stopped: Deferred[None] | None = None
        #: The store's epoch that this daemon writes under; 0 before :meth:`start`.
        self.epoch = 0
        performers: dict[type, Callable[..., None]] = {
            Close: self._close,
            Arm: self._arm,
            Disarm: self._timers.disarm,
            Answer: self._questions.answer,
            Route: exchange.route,
            Unroute: exchange.unroute,
            Continue: lambda _: self.tell((Continued(),)),
        }
        self._voice = _Voice(exchange, performers, performer.perform)

    # --- a life ---------------------------------------------------------------

    async def start(self, stored: Stored | None = None) -> None:
        """
        Restore the core from what the store kept, and hear what was told meanwhile.

        :param stored: what the store's ``read`` gave, if its epoch was needed before
            the core could be made.
        """
        if stored is None:
            stored = await self._store.read()
        self.epoch = stored.epoch
        self._feed.begin(stored.epoch)
        decoding = Decoding(stored.records, self._core.RECORDS)
        turn = _Turn[C, E]()
        now = Moment(self._clock.seconds(), self._clock.wall())
        restored = self._core.restore(decoding, now)
        # Before what the core writes: that may be a new value of the same key.
        turn.writes.update(_set_aside(decoding, stored))
        self._take(turn, restored)
        self._running = True
        self._close_turn(turn)
        self._schedule()

    def hold(self, *, held: bool) -> None:
        """
        Act no more, or (``False``) go on with all that was told meanwhile.

        Whoever may have been replaced, and cannot know, is held: nothing is heard, so nothing
        is decided and said.
        """
        self._held = held
        if held and self._turn_due is not None:
            self._turn_due.cancel()
            self._turn_due = None
        self._schedule()

    def stop(self) -> Deferred[None]:
        """Hear nothing more; fires when what was heard is kept and the store is closed."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._halt()
        if self._waiting:
            self._stopped = Deferred()
            await self._stopped
        self._questions.refuse_all("the daemon stops")
        await self._store.close()

    def _halt(self) -> None:
        self._running = False
        if self._turn_due is not None:
            self._turn_due.cancel()
            self._turn_due = None
        self._timers.clear()
        self._told.clear()

    def _failed(self, failure: Failure) -> None:
        """A bug or a lost store: tell the story, then stop; a supervisor starts us again."""
        if self._given_up:
            return
        self._given_up = True
        if self._hearing is not None:
            _log.failure(
                "the core failed on {stimulus}\n{story}",
                failure,
                stimulus=self._hearing,
                story="\n".join(self.story("", 20)),
            )
        else:
            _log.failure("the daemon gives up", failure)
        self._halt()
        self._waiting.clear()
        self._questions.refuse_all(failure.getErrorMessage())
        if self._stopped is not None and not self._stopped.called:
            self._stopped.callback(None)
        self._give_up(failure)

    def story(self, mention: str, lines_max: int = 50) -> list[str]:
        """The last stimuli whose text or outcome mentions ``mention``, oldest first."""
        return self._story.lines(mention, lines_max)

    # --- the inbox ------------------------------------------------------------

    def tell(self, stimuli: Sequence[object]) -> None:
        self._told.extend(stimuli)
        if self._turn_due is None:
            self._schedule()

    def ask(self, question: Struct) -> Deferred[Struct | None]:
        if self._given_up or self._stopped is not None:
            return fail(GivenUp("the daemon stops"))
        request, answer = self._questions.ask()
        self.tell((Asked(request, question),))
        return answer

    def has_room(self, resume: Callable[[], None]) -> bool:
        if self._has_room(INBOX_STIMULI_MAX):
            return True
        self._resumes.append(resume)
        return False

    def _has_room(self, stimuli_max: int) -> bool:
        return len(self._told) < stimuli_max and len(self._waiting) < TURNS_WAITING_MAX

    def _resume_links(self) -> None:
        if self._resumes and self._has_room(INBOX_STIMULI_MAX // 2):
            resumes, self._resumes = self._resumes, []
            for resume in resumes:
                resume()

    def _schedule(self) -> None:
        if self._told and self._running and not self._held and self._turn_due is None:
            self._turn_due = self._clock.callLater(0, self._turn)

    # --- a turn ---------------------------------------------------------------

    def _turn(self) -> None:
        self._turn_due = None
        if len(self._waiting) < TURNS_WAITING_MAX:
            unattended(self._hear_told(), self._failed)

    async def _hear_told(self) -> None:
        # A coroutine only so that whatever a core raises reaches _failed with its frames.
        turn = _Turn[C, E]()
        self._hear_some(turn)
        self._hearing = None
        if self._checking:
            self._core.check()
        self._close_turn(turn)
        self._schedule()
        self._resume_links()

    def _hear_some(self, turn: _Turn[C, E]) -> None:
        told, hear, remember = self._told, self._core.hear, self._story.remember
        seconds = self._clock.seconds
        now = Moment(seconds(), self._clock.wall())
        end_s = now.steady + TURN_S_MAX
        left = TURN_STIMULI_MAX
        while told and left:
            stimulus = self._hearing = told.popleft()
            outcome = hear(stimulus, now)  # type: ignore[arg-type]
            remember((now, stimulus, outcome))
            if outcome.changes:
                self._take(turn, outcome)
                if turn.bytes > GROUP_BYTES_MAX:
                    break
            else:
                turn.effects += outcome.effects
            left -= 1
            if left % CLOCK_EVERY_STIMULI == 0 and seconds() > end_s:
                break

    def _take(self, turn: _Turn[C, E], outcome: Outcome[C, E]) -> None:
        turn.changes += outcome.changes
        turn.effects += outcome.effects
        for change in outcome.changes:
            write = self._core.write_of(change)
            if write is not None:
                value = None if write.value is None else encode_record(write.value)
                turn.writes[write.key] = value
                turn.bytes += len(write.key) + (0 if value is None else len(value))

    def _close_turn(self, turn: _Turn[C, E]) -> None:
        if turn.writes:
            self._waiting.append(turn)
            unattended(self._keep(turn), self._failed)
        elif self._waiting:
            turn.kept = True
            self._waiting.append(turn)
        else:
            self._release(turn)

    async def _keep(self, turn: _Turn[C, E]) -> None:
        await self._store.append(list(turn.writes.items()), self.epoch)
        turn.kept = True
        waiting = self._waiting
        while waiting and waiting[0].kept:
            # Still at the head while it is released: what that leads to queues behind it.
            self._release(waiting[0])
            if waiting:
                waiting.popleft()
        self._schedule()
        self._resume_links()
        if self._stopped is not None and not waiting and not self._stopped.called:
            self._stopped.callback(None)

    # --- what a turn says -----------------------------------------------------

    def _release(self, turn: _Turn[C, E]) -> None:
        if turn.changes:
            self._feed.publish(turn.changes)
        self._voice.say(turn.effects)

    def _close(self, effect: Close) -> None:
        self._exchange.close(effect.link, effect.reason)

    def _arm(self, effect: Arm) -> None:
        if self._running:
            self._timers.arm(effect)


def _set_aside(decoding: Decoding, stored: Stored) -> dict[str, bytes | None]:
    """What moves unreadable records to quarantine; each is logged."""
    writes: dict[str, bytes | None] = {}
    for key, fault in decoding.unreadable.items():
        _log.error("record {key} is quarantined: {fault}", key=key, fault=fault)
        writes[f"{QUARANTINE}/{key}"] = stored.records[key]
        writes[key] = None
    if decoding.unknown:
        _log.warn(
            "{count} records of unknown kinds are left alone, such as {key}",
            count=len(decoding.unknown),
            key=decoding.unknown[0],
        )
    return writes
