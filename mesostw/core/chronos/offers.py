"""
Offers: used for what is ready, kept at hand while something soon will be, else refused.

No more are kept than runs will be ready, so that other frameworks find something too where
there are few agents.

Runs that need the same are asked for as one, so an offer costs as many questions as there are
different needs, not runs.  What an offer does not do for keeps nobody else from it.

After something was launched more often follows: retries, dependents, what has waited for it.
So for a while then a few offers are refused for a moment only, and none are suppressed.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from typing import Final, TypeAlias

from mesostw.core.chronos import alarms
from mesostw.core.chronos.demands import Demand, Funnel, demand_of, refusals
from mesostw.core.chronos.flags import LAUNCHES_PER_TURN_MAX
from mesostw.core.chronos.launching import launched
from mesostw.core.chronos.records import Job, Run
from mesostw.core.chronos.turn import Turn
from mesostw.core.framework.spots import Spot
from mesostw.core.outcome import Continue
from mesostw.core.scheduling import AcceptOffers, DeclineOffers, Offered, Rescinded
from mesostw.messages.operations import Launch, OfferOperation, OfferOperationType
from mesostw.messages.tasks import TaskInfo
from mesostw.model.ids import OfferId
from mesostw.model.resources import ResourcesError

#: How long offers are kept at hand, and how long before an instant they are asked for.
WARM_S: Final = 3.0
HELD_MAX: Final = 1024
#: Until what was kept for that long is offered again.
SOON_REFUSE_S: Final = 1.0
#: For how long after a launch more is likely, and of how many agents offers come again soon.
STIRRED_S: Final = 10.0
STIRRED_MAX: Final = 64

#: What comes first: jobs with ``highPriority``, then by priority, instant and age.
_Order: TypeAlias = tuple[bool, int, int, float, str]
_Queue: TypeAlias = deque[tuple[_Order, Job, Run]]


def offered(turn: Turn, heard: Offered) -> None:
    """Use offers for what is ready, and keep or refuse the others."""
    turn.live.offered_at = turn.now.wall
    for offer in heard.offers:
        try:
            spot = Spot(offer, turn.now)
        except ResourcesError:
            # Nothing can be launched on what cannot be read; nor would it be any better soon.
            refuse_s = turn.flags.decline_offer_duration_s
            turn.do(DeclineOffers((OfferId(offer.id.value),), refuse_s))
            continue
        turn.live.held[spot.offer_id] = (spot, turn.now.steady)
    resumed(turn)


def resumed(turn: Turn) -> None:
    """Use what is held for what is ready, and be offered what is needed, no more."""
    if not turn.live.registered:
        return
    _launch(turn)
    _let_go(turn)
    role = turn.flags.mesos_role
    if turn.live.ready and turn.live.wishes:
        turn.live.flows.wished(role)
    turn.live.wishes = False
    wanted = (role,) if _is_wanted(turn) else ()
    interval_s = turn.flags.min_revive_offers_interval_s
    for effect in turn.live.flows.settled((role,), wanted, turn.now.steady, interval_s):
        turn.do(effect)


def rescinded(turn: Turn, heard: Rescinded) -> None:
    """An offer is void; what was launched with it already comes back as dropped."""
    turn.live.held.pop(heard.offer_id, None)


def connected(turn: Turn) -> None:
    """A master knows us: what it has refused or offered before is void."""
    turn.live.held.clear()
    turn.live.offered_at = None
    turn.live.flows.restarted((turn.flags.mesos_role,) if _is_wanted(turn) else ())


def revive_due(turn: Turn) -> None:
    """Offers may be revived again."""
    turn.live.flows.due()
    resumed(turn)


def _is_wanted(turn: Turn) -> bool:
    """Whether something is ready, or may be in a moment."""
    return bool(turn.live.ready) or _is_soon(turn) or _stirs(turn)


def _stirs(turn: Turn) -> bool:
    stirred = turn.live.stirred_at
    return stirred is not None and turn.now.steady < stirred + STIRRED_S


def _is_soon(turn: Turn) -> bool:
    """Whether more may be ready in a moment than is now."""
    if turn.live.marked or turn.live.continuing:
        return True
    following = alarms.first(turn)
    return following is not None and following <= _soon(turn)


def _soon(turn: Turn) -> float:
    """Until which wall second offers are kept for what will be ready."""
    # To be offered something again may take as long as offers are revived apart.
    return turn.now.wall + max(WARM_S, turn.flags.min_revive_offers_interval_s + 1.0)


def _kept_max(turn: Turn) -> int:
    """How many offers are of use to what is ready, or will be soon: one for each run."""
    live = turn.live
    most = min(len(live.held), HELD_MAX)
    known = len(live.ready) + len(live.marked)
    return min(most, known + alarms.count_until(turn, _soon(turn), most))


def _let_go(turn: Turn) -> None:
    """Refuse what is of no use, or was kept for long: others may want it."""
    held = turn.live.held
    if not held:
        return
    is_soon, stirs, kept_max = _is_soon(turn), _stirs(turn), _kept_max(turn)
    declined: defaultdict[float, list[OfferId]] = defaultdict(list)
    for number, (offer_id, (_, since)) in enumerate(list(held.items())):
        if not is_soon:
            is_few = stirs and number < STIRRED_MAX
            refuse_s = SOON_REFUSE_S if is_few else turn.flags.decline_offer_duration_s
            declined[refuse_s].append(offer_id)
        elif turn.now.steady >= since + WARM_S or number >= kept_max:
            declined[SOON_REFUSE_S].append(offer_id)
        else:
            continue
        del held[offer_id]
    for refuse_s, offer_ids in declined.items():
        turn.do(DeclineOffers(tuple(offer_ids), refuse_s))


# --- who gets what ----------------------------------------------------------------------


def _launch(turn: Turn) -> None:
    live = turn.live
    if not live.held or not live.ready:
        return
    queues = _queues(turn)
    left = LAUNCHES_PER_TURN_MAX
    for offer_id, (spot, _) in list(live.held.items()):
        if not queues:
            break
        if left <= 0:
            _continue(turn)
            break
        most = min(left, turn.flags.launches_per_offer_max)
        tasks = _fill(turn, spot, queues, most)
        if tasks:
            live.stirred_at = turn.now.steady
            left -= len(tasks)
            del live.held[offer_id]
            operation = OfferOperation(
                type=OfferOperationType.LAUNCH, launch=Launch(task_infos=tuple(tasks))
            )
            refuse_s = 0.0 if queues else SOON_REFUSE_S
            turn.do(AcceptOffers((spot.offer_id,), (operation,), refuse_s))
    live.funnels = {demand: one for demand, one in live.funnels.items() if demand in queues}


def _queues(turn: Turn) -> dict[Demand, _Queue]:
    """What is ready by what it needs, in order; a job that is yet to be looked at has to wait."""
    found: list[tuple[_Order, Job, Run]] = []
    for run_id in turn.live.ready:
        run = turn.state.under_way[run_id]
        job = turn.state.jobs.get(run.job)
        if job is not None and run.job not in turn.live.marked:
            found.append((_order(job, run), job, run))
    found.sort(key=lambda one: one[0])
    queues: dict[Demand, _Queue] = {}
    for one in found:
        queues.setdefault(demand_of(one[1].spec), deque()).append(one)
    return queues


def _order(job: Job, run: Run) -> _Order:
    spec = job.spec
    return (not spec.high_priority, -spec.priority, run.instant, run.made, run.id)


def _fill(turn: Turn, spot: Spot, queues: dict[Demand, _Queue], most: int) -> list[TaskInfo]:
    """Launch on one offer what it does for, the first in order first."""
    heads = [(queue[0][0], demand) for demand, queue in queues.items()]
    heapq.heapify(heads)
    tasks: list[TaskInfo] = []
    asked: set[Demand] = set()
    while heads and len(tasks) < most:
        _, demand = heapq.heappop(heads)
        reasons = tuple(refusals(demand, spot))
        if demand not in asked:
            asked.add(demand)
            turn.live.funnels.setdefault(demand, Funnel()).told(reasons, turn.now.wall)
        if reasons:
            continue
        queue = queues[demand]
        _, job, run = queue.popleft()
        tasks.append(launched(turn, job, run, demand, spot))
        if queue:
            heapq.heappush(heads, (queue[0][0], demand))
        else:
            del queues[demand]
    return tasks


def _continue(turn: Turn) -> None:
    if not turn.live.continuing:
        turn.live.continuing = True
        turn.do(Continue())
