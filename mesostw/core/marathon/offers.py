"""
Offers, used in the turn that they come in: for what waits, or refused for a while.

Apps take turns: each gets one instance after the other, in an order by chance that is another
one for each batch of offers.  An app that an offer does not do for is asked once about it.

Offers are held for a short time while launch tokens are out, since those come back as soon as
instances run; and a few of them while a deployment moves, see Note [Warm] in ``flows``.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from mesostw.core.framework.spots import Spot
from mesostw.core.marathon import delays, everywhere, flows, queue, tokens
from mesostw.core.marathon.changes import WaitingChanged
from mesostw.core.marathon.constraints import Tally, tally_of
from mesostw.core.marathon.launchbook import Wish
from mesostw.core.marathon.launching import launched
from mesostw.core.marathon.matching import refusals, rules_of
from mesostw.core.marathon.turn import Turn
from mesostw.core.scheduling import AcceptOffers, DeclineOffers, Offered, Rescinded
from mesostw.messages.masters import MasterInfo
from mesostw.messages.offers import Offer
from mesostw.messages.operations import Launch, OfferOperation, OfferOperationType
from mesostw.messages.tasks import TaskInfo
from mesostw.model.ids import OfferId
from mesostw.model.resources import ResourcesError

#: Questions whether an offer does for an app, in one turn: about a third of a second. What is
#: left of the offers comes again after ``OVERLOAD_REFUSE_S``.
QUESTIONS_MAX: Final = 100_000
OVERLOAD_REFUSE_S: Final = 5.0
#: Until more may be wanted, for offers that are held no longer.
SOON_REFUSE_S: Final = 1.0
#: How long offers are held, and how many; both are Marathon's for its own queue.
HELD_S: Final = 3.0
HELD_MAX: Final = 1024
#: And of those that nothing waits for: longer, and others go short where there are few agents.
WARM_HELD_S: Final = 1.0
#: How many are kept at hand for a role that stirs.
WARM_MAX: Final = 64
#: Until apps have been looked at that are to be on every agent, when an agent is new.
NEW_AGENT_REFUSE_S: Final = 1.0
#: The least that offers are refused for while apps are backed off.
DELAY_REFUSE_MIN_S: Final = 0.1


def offered(turn: Turn, heard: Offered) -> None:
    """Use offers for what waits, and refuse the others."""
    turn.live.launch.offered_at = turn.now.wall
    everywhere.offered(turn)
    batch = Batch(turn)
    for offer in heard.offers:
        batch.use(offer)
    batch.finished()
    flows.settled(turn)


def resumed(turn: Turn) -> None:
    """Use offers that are held, as far as there are tokens again."""
    held = turn.live.launch.held
    if not held or not turn.state.waiting or tokens.left(turn) <= 0:
        return
    batch = Batch(turn)
    for offer_id, (spot, _) in list(held.items()):
        if tokens.left(turn) <= 0:
            break
        del held[offer_id]
        batch.use_spot(spot)
    batch.finished()
    flows.settled(turn)


def rescinded(turn: Turn, heard: Rescinded) -> None:
    """An offer is void; what was launched with it already comes back as dropped."""
    turn.live.launch.held.pop(heard.offer_id, None)


def ticked(turn: Turn) -> None:
    """Set tokens back; be offered what is needed, and no more."""
    tokens.refreshed(turn)
    queue.swept(turn)
    resumed(turn)
    _let_go(turn)
    everywhere.ticked(turn)
    flows.settled(turn)


def revive_due(turn: Turn) -> None:
    """Offers may be revived again."""
    flows.revive_due(turn)


def connected(turn: Turn, master: MasterInfo | None) -> None:
    """A master knows us: what it has refused or offered before is void."""
    domain = None if master is None else master.domain
    fault_domain = None if domain is None else domain.fault_domain
    turn.live.launch.home_region = "" if fault_domain is None else fault_domain.region.name
    turn.live.launch.offered_at = None
    turn.live.launch.held.clear()
    everywhere.restarted(turn)
    flows.restarted(turn)


def _let_go(turn: Turn) -> None:
    """Refuse offers that were held for long, sooner those that nothing waits for any more."""
    held = turn.live.launch.held
    roles = {waiting.role for waiting in turn.state.waiting.values()}
    declined: defaultdict[float, list[OfferId]] = defaultdict(list)
    for offer_id, (spot, since) in list(held.items()):
        if spot.role not in roles and not flows.is_warm(turn, spot.role):
            declined[turn.flags.decline_offer_duration_s].append(offer_id)
        elif turn.now.steady >= since + (HELD_S if spot.role in roles else WARM_HELD_S):
            declined[SOON_REFUSE_S].append(offer_id)
        else:
            continue
        del held[offer_id]
    _decline(turn, declined)


def _decline(turn: Turn, declined: Mapping[float, list[OfferId]]) -> None:
    for refuse_s, offer_ids in declined.items():
        turn.do(DeclineOffers(tuple(offer_ids), refuse_s))


class Candidate:
    """An app that wants instances, in one batch of offers."""

    __slots__ = ("count", "launched", "tally", "used_of", "wish")

    def __init__(self, wish: Wish, count: int, tally: Tally) -> None:
        self.wish = wish
        #: How many are left to launch.
        self.count = count
        self.tally = tally
        self.launched = 0
        #: The last offer that it used.
        self.used_of: Spot | None = None


class Batch:
    """
    Offers that came together, used one by one.

    :param questions_max: how often apps are asked whether an offer does, in all.
    """

    def __init__(self, turn: Turn, questions_max: int = QUESTIONS_MAX) -> None:
        self._turn = turn
        self._rules = rules_of(turn.flags, turn.live.launch.home_region, turn.now.wall)
        turn.live.launch.rules = self._rules
        self._questions = questions_max
        #: Offers that are refused for a moment only. See Note [Warm] in ``flows``.
        self._warmed = len(turn.live.launch.held)
        #: Whether every app was asked about the present offer, or launched all that it wants.
        self._asked_all = True
        self._candidates: dict[str, deque[Candidate]] = {}
        self._all: list[Candidate] = []
        #: When the first of the apps that are backed off is so no more, by role.
        self._delayed: dict[str, float] = {}
        self._declined: defaultdict[float, list[OfferId]] = defaultdict(list)
        self._gather()

    # --- who wants something ----------------------------------------------------

    def _gather(self) -> None:
        turn = self._turn
        found = list(turn.state.waiting.values())
        # Fisher and Yates: a list of any type is shuffled by what chance gives.
        for last in range(len(found) - 1, 0, -1):
            other = turn.chance.randrange(last + 1)
            found[last], found[other] = found[other], found[last]
        for waiting in found:
            until = delays.until_of(turn.state, waiting, turn.now.wall)
            if waiting.app_id in turn.live.unsettled:
                # It is known in a moment whether that is still wished.
                until = turn.now.wall if until is None else until
            wish = turn.live.launch.wishes.get(waiting.app_id)
            if until is not None:
                first = self._delayed.get(waiting.role, until)
                self._delayed[waiting.role] = min(first, until)
            elif wish is not None:
                candidate = Candidate(wish, waiting.count, self._tally(wish))
                self._candidates.setdefault(waiting.role, deque()).append(candidate)
                self._all.append(candidate)

    def _tally(self, wish: Wish) -> Tally:
        """Count placed instances, unless nothing has moved since they were counted."""
        need, app_id = wish.need, wish.app.id
        if not need.fields:
            return _UNCOUNTED
        turn = self._turn
        moves = turn.state.placements.get(app_id, 0)
        known = turn.live.launch.tallies.get(app_id)
        if known is not None and known[:2] == (wish.app.version, moves):
            return known[2]
        tally = tally_of(wish.app, turn.state.of_app(app_id).values())
        turn.live.launch.tallies[app_id] = (wish.app.version, moves, tally)
        return tally

    # --- one offer ----------------------------------------------------------------

    def use(self, offer: Offer) -> None:
        """Launch what fits; refuse what is left."""
        try:
            spot = Spot(offer, self._turn.now)
        except ResourcesError:
            # Nothing can be launched on what cannot be read; nor would it be any better soon.
            self._declined[self._turn.flags.decline_offer_duration_s].append(
                OfferId(offer.id.value)
            )
            return
        self.use_spot(spot, is_new=everywhere.seen(self._turn, spot))

    def use_spot(self, spot: Spot, *, is_new: bool = False) -> None:
        """
        Use an offer, now or after it was held.

        :param is_new: whether its agent is, for apps that are to be on every agent.
        """
        waiting = self._candidates.get(spot.role, _NOBODY)
        tasks = self._fill(spot, waiting)
        if tasks:
            self._accept(spot, tasks, self._refuse_s(spot, len(tasks), is_new=is_new))
        elif self._may_hold(spot):
            self._turn.live.launch.held[spot.offer_id] = (spot, self._turn.now.steady)
        else:
            refuse_s = self._refuse_s(spot, 0, is_new=is_new)
            self._declined[refuse_s].append(spot.offer_id)

    def _may_hold(self, spot: Spot) -> bool:
        """Whether an offer is kept until there are tokens, or more is wanted."""
        count = len(self._turn.live.launch.held)
        if not self._asked_all:
            return bool(self._questions) and count < HELD_MAX
        moves = bool(self._turn.state.deployments) and flows.is_warm(self._turn, spot.role)
        return moves and count < WARM_MAX

    def _fill(self, spot: Spot, waiting: deque[Candidate]) -> list[TaskInfo]:
        turn = self._turn
        most = min(turn.flags.max_instances_per_offer, tokens.left(turn))
        tasks: list[TaskInfo] = []
        passed: list[Candidate] = []
        while waiting and len(tasks) < most and self._questions:
            self._questions -= 1
            candidate = waiting.popleft()
            task = self._ask(spot, candidate)
            if task is None:
                passed.append(candidate)
                continue
            tasks.append(task)
            if candidate.count:
                waiting.append(candidate)
        if tasks:
            tokens.taken(turn, len(tasks))
        self._asked_all = not waiting
        waiting.extend(passed)
        return tasks

    def _ask(self, spot: Spot, candidate: Candidate) -> TaskInfo | None:
        wish, wall = candidate.wish, self._turn.now.wall
        reason = next(refusals(wish.need, spot, candidate.tally, self._rules), None)
        if reason is not None:
            if candidate.used_of is not spot:
                wish.did_not(reason, wall)
            return None
        task = launched(self._turn, wish, spot)
        if candidate.tally is not _UNCOUNTED:
            candidate.tally.add(spot.place)
        candidate.count -= 1
        candidate.launched += 1
        if candidate.used_of is not spot:
            candidate.used_of = spot
            wish.did(wall)
        return task

    def _refuse_s(self, spot: Spot, used: int, *, is_new: bool) -> float:
        """For how long what is left of an offer is of no use."""
        turn = self._turn
        if not self._asked_all:
            if used:
                return 0.0
            return OVERLOAD_REFUSE_S if not self._questions else SOON_REFUSE_S
        longest = turn.flags.decline_offer_duration_s
        if self._warmed < WARM_MAX and flows.is_warm(turn, spot.role):
            self._warmed += 1
            return 0.0 if used and turn.state.deployments else SOON_REFUSE_S
        if is_new:
            longest = min(longest, NEW_AGENT_REFUSE_S)
        until = self._delayed.get(spot.role)
        if until is None:
            return longest
        return min(longest, max(DELAY_REFUSE_MIN_S, until - turn.now.wall))

    def _accept(self, spot: Spot, tasks: list[TaskInfo], refuse_s: float) -> None:
        operation = OfferOperation(
            type=OfferOperationType.LAUNCH, launch=Launch(task_infos=tuple(tasks))
        )
        self._turn.do(AcceptOffers((spot.offer_id,), (operation,), refuse_s))

    # --- the end ------------------------------------------------------------------

    def finished(self) -> None:
        """Tell what still waits, and refuse what was not used."""
        turn = self._turn
        for candidate in self._all:
            if candidate.launched:
                self._settle(candidate)
        _decline(turn, self._declined)

    def _settle(self, candidate: Candidate) -> None:
        turn, app = self._turn, candidate.wish.app
        if candidate.count:
            waiting = turn.state.waiting[app.id]
            turn.change(WaitingChanged(app.id, replace(waiting, count=candidate.count)))
        else:
            queue.dropped(turn, app.id)
        if candidate.tally is not _UNCOUNTED:
            # Our own launches are counted already.
            moves = turn.state.placements.get(app.id, 0)
            turn.live.launch.tallies[app.id] = (app.version, moves, candidate.tally)
        turn.mark(app.id)


_NOBODY: Final[deque[Candidate]] = deque()
#: Of apps whose places do not matter.
_UNCOUNTED: Final = Tally(())
