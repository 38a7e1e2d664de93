"""
Why an app has not all of its instances: the answer to the question that is asked most.

Nothing is noted for it while offers are matched but counts.  What each agent lacks is found
when somebody asks, from the last offer of each agent as it was left.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec.structs import replace

from mesostw.core.framework.spots import Spot
from mesostw.core.marathon import delays, fitness
from mesostw.core.marathon.constraints import tally_of
from mesostw.core.marathon.flags import UNUSED_OFFERS_MAX, MarathonFlags
from mesostw.core.marathon.launchbook import LaunchBook, Wish
from mesostw.core.marathon.live import Live
from mesostw.core.marathon.reasons import Cause, QueueReport, UnusedOffer, WhyReport
from mesostw.core.marathon.records import Condition, Deployment, Instance, Waiting
from mesostw.core.marathon.stages import Stage, parts_of, stage_of
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.verdicts import (
    Verdict,
    funnel,
    funnel_of,
    refused_text,
    shortfalls,
    verdicts,
)
from mesostw.core.outcome import Moment
from mesostw.model.apps import App, AppId

#: Offers that one question has judged, for all apps together: about a third of a second.
JUDGED_MAX: Final = 100_000

#: Of an instance that does not serve yet.
_STARTING: Final = frozenset({Condition.PROVISIONED, Condition.STAGING, Condition.STARTING})


def queue(state: MarathonState, live: Live, now: Moment) -> tuple[QueueReport, ...]:
    """Tell of every app that has instances left to launch."""
    book = live.launch
    each = max(UNUSED_OFFERS_MAX, JUDGED_MAX // max(1, len(state.waiting)))
    return tuple(
        _queued(state, book, waiting, book.wishes[waiting.app_id], now, each)
        for waiting in state.waiting.values()
        if waiting.app_id in book.wishes
    )


def _queued(
    state: MarathonState, book: LaunchBook, waiting: Waiting, wish: Wish, now: Moment, each: int
) -> QueueReport:
    judged = _judged(state, book, wish, now, each)
    until = delays.until_of(state, waiting, now.wall)
    unused = sorted((one for one in judged if one.reasons), key=lambda one: -one.spot.at)
    return QueueReport(
        app=wish.app,
        count=waiting.count,
        role=waiting.role,
        since=waiting.since,
        delay_left_s=0.0 if until is None else until - now.wall,
        processed=wish.processed,
        unused=wish.processed - wish.used,
        last_unused=wish.last_unused,
        last_used=wish.last_used,
        last_offers=funnel_of(judged),
        launch_attempt=funnel(wish.declined, wish.processed),
        unused_offers=tuple(
            UnusedOffer(one.spot.offer, one.reasons, one.spot.at)
            for one in unused[:UNUSED_OFFERS_MAX]
        ),
    )


def report(
    state: MarathonState, live: Live, flags: MarathonFlags, app_id: AppId, now: Moment
) -> WhyReport | None:
    """Explain an app; ``None`` if there is no such app."""
    app = state.apps.get(app_id)
    if app is None:
        return None
    waiting, wish = state.waiting.get(app_id), live.launch.wishes.get(app_id)
    judged: list[Verdict] = []
    if waiting is not None and wish is not None:
        judged = _judged(state, live.launch, wish, now, JUDGED_MAX)
    instances = [one for one in state.of_app(app_id).values() if one.counts]
    count = 0 if waiting is None else waiting.count
    causes = (
        *_wished_causes(state, live, app),
        *_launch_causes(state, live, flags, waiting, wish, judged, now),
        *_instance_causes(state, instances),
    )
    wished = len(instances) + count if app.spec.every_agent else app.spec.instances
    return WhyReport(
        app_id=app_id,
        sentence=_sentence(wished, len(instances), count, causes),
        wished=wished,
        placed=len(instances),
        waiting=count,
        causes=causes,
        funnel=funnel_of(judged),
        shortfalls=() if wish is None else shortfalls(wish.need, judged),
    )


# --- what keeps it ------------------------------------------------------------------


def _wished_causes(state: MarathonState, live: Live, app: App) -> Iterator[Cause]:
    """That it is wished so, or not yet otherwise."""
    if not app.spec.instances and not app.spec.every_agent:
        yield Cause("suspended", "the app is suspended: 0 instances are wished")
    deployment = state.deployment_of(app.id)
    if deployment is None:
        return
    if deployment.paused:
        yield Cause("paused", f"deployment {deployment.id} is paused")
    part = parts_of(deployment)[app.id]
    if stage_of(deployment, part) is Stage.BEFORE:
        others = ", ".join(_busy(deployment))
        step = f"its step {part.step + 1} of {len(deployment.steps)}"
        yield Cause(
            "earlier_step", f"{step} of deployment {deployment.id} comes after that of {others}"
        )


def _busy(deployment: Deployment) -> list[str]:
    """Apps that the present step waits for; of many only some."""
    busy = [one.app_id for one in deployment.actions if one.app_id not in deployment.done]
    return [*busy[:3], *(["others"] if len(busy) > 3 else [])]


def _launch_causes(
    state: MarathonState,
    live: Live,
    flags: MarathonFlags,
    waiting: Waiting | None,
    wish: Wish | None,
    judged: list[Verdict],
    now: Moment,
) -> Iterator[Cause]:
    """Why what waits is not launched."""
    if waiting is None or wish is None:
        return
    if not live.registered:
        yield Cause("disconnected", "Marathon has no connection to a master")
        return
    until = delays.until_of(state, waiting, now.wall)
    if until is not None:
        seconds = f"{until - now.wall:.0f} s"
        yield Cause("backed_off", f"its instances failed, the next starts in {seconds}", until)
        return
    offering = [one for one in judged if not one.reasons]
    if not judged:
        yield Cause("no_offers", "no agent has offered anything since it waits")
    elif not offering:
        yield Cause("refused", refused_text(wish.need, judged))
    elif (flags.launch_tokens if live.launch.tokens is None else live.launch.tokens) <= 0:
        text = "many instances are starting, more are launched when those run"
        yield Cause("pacing", f"{text} (launch_tokens {flags.launch_tokens})")
    else:
        hosts = ", ".join(one.spot.place.hostname for one in offering[:3])
        yield Cause("pacing", f"the next offer of {hosts} is waited for")


def _instance_causes(state: MarathonState, instances: list[Instance]) -> Iterator[Cause]:
    """What instances that are placed do instead of serving."""
    starting = sum(one.condition in _STARTING for one in instances)
    if starting:
        yield Cause("starting", f"{starting} starting")
    away = sum(one.condition is Condition.UNREACHABLE for one in instances)
    if away:
        yield Cause("unreachable", f"{away} on agents that are away")
    unhealthy = sum(fitness.is_unhealthy(state, one) for one in instances)
    if unhealthy:
        yield Cause("unhealthy", f"{unhealthy} unhealthy")


# --- the sentence --------------------------------------------------------------------


def _sentence(wished: int, placed: int, waiting: int, causes: tuple[Cause, ...]) -> str:
    """``3 of 5 placed; 2 wait: no agent has 4 cpus free; the most is 2.5 on n7``."""
    texts = [one.text for one in causes]
    if waiting:
        told = f"{placed} of {wished} placed; {waiting} wait"
    elif placed < wished:
        told = f"{placed} of {wished} placed"
    elif placed > wished:
        told = f"{placed} placed, {wished} wished"
    elif not wished:
        return texts[0] if texts else "none wished, none placed"
    else:
        told = f"all {wished} placed" if texts else f"all {wished} placed and running"
    return f"{told}: {'; '.join(texts)}" if texts else told


# --- the offers ----------------------------------------------------------------------


def _judged(
    state: MarathonState, book: LaunchBook, wish: Wish, now: Moment, most: int
) -> list[Verdict]:
    """The last offers of agents in the app's role, judged as if they came now."""
    if book.rules is None:
        return []
    tally = tally_of(wish.app, state.of_app(wish.app.id).values())
    spots = islice(_spots(book, wish.app.spec.role), most)
    return verdicts(wish.need, spots, tally, replace(book.rules, wall=now.wall))


def _spots(book: LaunchBook, role: str) -> Iterator[Spot]:
    for agent in book.agents.values():
        spot = agent.spots.get(role)
        if spot is not None:
            yield spot
