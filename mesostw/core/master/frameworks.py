"""
The life of a framework, from its subscription until it is completed.

::

    Subscribe -> ACTIVE -> (link ends) DISCONNECTED -> (failover_timeout) COMPLETED
                   |  <- (Subscribe with its id)
                   |  Teardown, or an operator --------------------------> COMPLETED
    RECOVERED after a restart of the master -> Subscribe with its id -> ACTIVE
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from mesostw.core.allocator import Minimum
from mesostw.core.master import framework_rules, kills, offers, recovery, routes, tasks
from mesostw.core.master.changes import (
    ExecutorRemoved,
    FrameworkChanged,
    FrameworkForgotten,
    FrameworkKept,
    FrameworkRemoved,
)
from mesostw.core.master.flags import FAILOVER_S_MAX, HEARTBEAT_S
from mesostw.core.master.live import Peer
from mesostw.core.master.records import Framework, FrameworkState
from mesostw.core.master.state import COMPLETED_FRAMEWORKS_MAX
from mesostw.core.master.turn import Turn
from mesostw.core.outcome import Close, Refusal, Send
from mesostw.messages.agent_master import (
    FrameworkReturned,
    ShutdownExecutor,
    ShutdownFramework,
)
from mesostw.messages.frameworks import FrameworkInfo
from mesostw.messages.ids import FrameworkID
from mesostw.messages.scheduler_calls import (
    Revive,
    Shutdown,
    Subscribe,
    Suppress,
    UpdateFramework,
)
from mesostw.messages.scheduler_events import Error, Heartbeat, Subscribed
from mesostw.messages.tasks import TaskStatusReason
from mesostw.model.amounts import SCALE
from mesostw.model.ids import AgentId, FrameworkId, LinkId
from mesostw.model.tasks import TaskState

_HEARTBEAT = Heartbeat()


# --- subscription ---------------------------------------------------------------


def subscribed(turn: Turn, link: LinkId, peer: Peer, heard: Subscribe) -> None:
    """Register a framework, or let it come back; refusals are ERROR events."""
    info = heard.framework_info
    given = None if info.id is None else FrameworkId(info.id.value)
    turn.count(f"messages_{'register' if not given else 'reregister'}_framework")
    framework_id = given or peer.framework_id
    known = None if not framework_id else turn.state.frameworks.get(framework_id)
    fault = _fault(turn, peer, heard, framework_id, known)
    if fault is not None:
        refused(turn, link, fault)
        return
    if not framework_id:
        framework_id = FrameworkId(f"{turn.master_id}-{turn.live.frameworks_named:04d}")
        turn.live.frameworks_named += 1
    _joined(turn, link, peer, known, _framework(turn, link, peer, heard, framework_id, known))


def refused(turn: Turn, link: LinkId, message: str) -> None:
    """Tell a framework why it may not go on, and end its link."""
    turn.count("refused_frameworks")
    turn.do(Send(link, Error(message=message)))
    turn.do(Close(link, message))


def _fault(
    turn: Turn,
    peer: Peer,
    heard: Subscribe,
    framework_id: FrameworkId | None,
    known: Framework | None,
) -> str | None:
    """Say why a subscription is refused, ``None`` if it is not."""
    if framework_id and framework_id in turn.state.completed_frameworks:
        return "Framework has been removed"
    if peer.framework_id not in {None, framework_id}:
        return f"Framework is already subscribed on this connection as {peer.framework_id}"
    fault = framework_rules.info_fault(
        heard.framework_info, heard.suppressed_roles, root=turn.flags.root_submissions
    )
    principal = heard.framework_info.principal
    if fault is None and known is not None and known.info.principal != principal:
        return "Changing framework's principal is not allowed"
    return fault


def _framework(
    turn: Turn,
    link: LinkId,
    peer: Peer,
    heard: Subscribe,
    framework_id: FrameworkId,
    known: Framework | None,
) -> Framework:
    info = replace(
        heard.framework_info,
        id=FrameworkID(value=framework_id),
        failover_timeout=min(heard.framework_info.failover_timeout, FAILOVER_S_MAX),
    )
    if known is not None:
        info = replace(info, user=known.info.user, checkpoint=known.info.checkpoint)
    wall = turn.now.wall
    return Framework(
        framework_id,
        info,
        recovery.roles_of(info),
        recovery.capabilities_of(info),
        FrameworkState.INACTIVE if link in turn.live.crowded else FrameworkState.ACTIVE,
        link,
        peer.connection,
        frozenset(heard.suppressed_roles),
        wall if known is None else known.registered,
        None if known is None else wall,
    )


def _joined(
    turn: Turn, link: LinkId, peer: Peer, known: Framework | None, framework: Framework
) -> None:
    live = turn.live
    if known is not None and known.link is not None and known.link != link:
        _replaced(turn, known)
    if known is not None:
        # Whoever comes back knows nothing of what was offered to it before.
        offers.of_framework(turn, framework.id)
    if known is not None and known.info == framework.info:
        turn.change(FrameworkChanged(framework))
    else:
        turn.change(FrameworkKept(framework))
    peer.framework_id = framework.id
    live.framework_deadlines.pop(framework.id, None)
    live.beats.add(framework.id, live.tick)
    _allocated(turn, framework)
    turn.send(
        link,
        Subscribed(
            framework_id=FrameworkID(value=framework.id),
            heartbeat_interval_seconds=HEARTBEAT_S,
            master_info=turn.flags.info,
        ),
    )
    turn.send(link, _HEARTBEAT)
    _resumed(turn, framework)


def _resumed(turn: Turn, framework: Framework) -> None:
    """Have agents say again what a framework may have missed while it was away."""
    returned = FrameworkReturned(framework_id=FrameworkID(value=framework.id))
    tasks = turn.state.load_of(framework.id).tasks.values()
    for agent_id in dict.fromkeys(task.agent_id for task in tasks):
        agent = turn.state.agents.get(agent_id)
        if agent is not None:
            turn.send(agent.link, returned)


def _replaced(turn: Turn, known: Framework) -> None:
    """Another process, or another connection, is the framework from now on."""
    old = known.link
    if old is None:
        return
    routes.of_link(turn, old)
    peer = turn.live.links.get(old)
    if peer is not None:
        peer.framework_id = None
    turn.do(Send(old, Error(message="Framework failed over")))
    turn.do(Close(old, "Framework failed over"))


def _allocated(turn: Turn, framework: Framework) -> None:
    """Tell the allocator what a framework wants."""
    turn.allocator.update_framework(
        framework.id,
        framework.roles,
        suppressed=framework.suppressed,
        capabilities=framework.capabilities,
        active=framework.state is FrameworkState.ACTIVE,
        minimums=_minimums(framework.info),
    )


def _minimums(info: FrameworkInfo) -> Mapping[str, Minimum]:
    found: dict[str, Minimum] = {}
    for role, filters in info.offer_filters.items():
        least = filters.min_allocatable_resources
        if least is not None:
            found[role] = Minimum.of(
                {name: round(one.value * SCALE) for name, one in each.quantities.items()}
                for each in least.quantities
            )
    return found


def beaten(turn: Turn) -> None:
    """Send a heartbeat to the frameworks whose turn it is."""
    live = turn.live
    for framework_id in live.beats.due(live.tick):
        turn.tell(framework_id, _HEARTBEAT)


# --- what it wants ------------------------------------------------------------


def updated(turn: Turn, framework: Framework, heard: UpdateFramework) -> Refusal | None:
    """Change what a framework said of itself; ``None`` if it may."""
    info = replace(heard.framework_info, id=FrameworkID(value=framework.id))
    fault = framework_rules.info_fault(
        info, heard.suppressed_roles, root=turn.flags.root_submissions
    ) or framework_rules.update_fault(framework.info, info)
    if fault is not None:
        return Refusal("invalid_framework", f"Invalid framework update: {fault}")
    changed = replace(
        framework,
        info=info,
        roles=recovery.roles_of(info),
        capabilities=recovery.capabilities_of(info),
        suppressed=frozenset(heard.suppressed_roles),
    )
    for offer_id in tuple(turn.state.load_of(framework.id).offers):
        offer = turn.state.offers[offer_id]
        if offer.role not in changed.roles:
            offers.rescinded(turn, offer)
    turn.change(FrameworkKept(changed))
    _allocated(turn, changed)
    return None


def suppressed(turn: Turn, framework: Framework, heard: Suppress) -> None:
    """No more offers in some roles; one role that is not the framework's voids the call."""
    turn.count("messages_suppress_offers")
    roles = frozenset(heard.roles or framework.roles)
    if roles <= frozenset(framework.roles):
        turn.change(FrameworkChanged(replace(framework, suppressed=framework.suppressed | roles)))
        turn.allocator.suppress(framework.id, roles)


def revived(turn: Turn, framework: Framework, heard: Revive) -> None:
    """Offers again in some roles, and what was refused in them may be offered again."""
    turn.count("messages_revive_offers")
    roles = frozenset(heard.roles or framework.roles)
    if roles <= frozenset(framework.roles):
        if framework.suppressed & roles:
            turn.change(
                FrameworkChanged(replace(framework, suppressed=framework.suppressed - roles))
            )
        turn.allocator.revive(framework.id, sorted(roles))


def executor_shutdown(turn: Turn, framework: Framework, heard: Shutdown) -> None:
    """Have an executor ended; if its agent is away the framework has to ask again."""
    agent = turn.state.agents.get(AgentId(heard.agent_id.value))
    if agent is not None and agent.link is not None:
        turn.send(
            agent.link,
            ShutdownExecutor(
                framework_id=FrameworkID(value=framework.id),
                executor_id=heard.executor_id,
                epoch=turn.epoch,
            ),
        )


# --- away ---------------------------------------------------------------------


def disconnected(turn: Turn, framework: Framework) -> None:
    """The link has ended: the framework has its ``failover_timeout`` to come back."""
    if framework.link is not None:
        routes.of_link(turn, framework.link)
    turn.live.beats.remove(framework.id)
    if framework.info.failover_timeout <= 0:
        removed(turn, replace(framework, link=None))
        return
    turn.change(FrameworkChanged(replace(framework, state=FrameworkState.DISCONNECTED, link=None)))
    turn.allocator.set_framework_active(framework.id, False)
    offers.of_framework(turn, framework.id)
    deadline = turn.now.steady + framework.info.failover_timeout
    turn.live.framework_deadlines[framework.id] = deadline


def overdue(turn: Turn) -> None:
    """Complete the frameworks that did not come back in time."""
    deadlines, now = turn.live.framework_deadlines, turn.now.steady
    for framework_id in [one for one, deadline in deadlines.items() if deadline <= now]:
        removed(turn, turn.state.frameworks[framework_id])


def paced(turn: Turn, link: LinkId, *, crowded: bool) -> None:
    """A framework reads too slowly to be given offers, or does so no more."""
    live = turn.live
    if crowded:
        live.crowded.add(link)
    else:
        live.crowded.discard(link)
    peer = live.links.get(link)
    if peer is None or peer.framework_id is None:
        return
    framework = turn.state.frameworks[peer.framework_id]
    state = FrameworkState.INACTIVE if crowded else FrameworkState.ACTIVE
    if framework.state is not state:
        turn.change(FrameworkChanged(replace(framework, state=state)))
        turn.allocator.set_framework_active(framework.id, not crowded)


def removed(turn: Turn, framework: Framework) -> None:
    """End a framework: its tasks are killed, and its id does not come back."""
    state, live = turn.state, turn.live
    load = state.load_of(framework.id)
    where = {task.agent_id: None for task in load.tasks.values()}
    where.update({key[0]: None for key in load.executors})
    shut = ShutdownFramework(framework_id=FrameworkID(value=framework.id), epoch=turn.epoch)
    for agent_id in where:
        turn.send(state.agents[agent_id].link, shut)
    offers.of_framework(turn, framework.id)
    link = framework.link
    if link is not None:
        routes.of_link(turn, link)
        peer = live.links.get(link)
        if peer is not None:
            peer.framework_id = None
    # Nobody is there to be told of its tasks.
    turn.change(FrameworkChanged(replace(framework, link=None)))
    for task in tuple(load.tasks.values()):
        tasks.ended(
            turn,
            task,
            TaskState.TASK_KILLED,
            TaskStatusReason.REASON_FRAMEWORK_REMOVED,
            f"Framework {framework.id} removed",
        )
    for key in tuple(load.executors):
        turn.change(ExecutorRemoved(state.executors[key]))
    turn.allocator.remove_framework(framework.id)
    recovery.forget(live, framework.id)
    kills.framework_left(turn, framework.id)
    for task_key in [one for one in live.condemned if one[0] == framework.id]:
        del live.condemned[task_key]
    turn.change(
        FrameworkRemoved(
            replace(
                framework,
                state=FrameworkState.COMPLETED,
                link=None,
                unregistered=turn.now.wall,
            )
        )
    )
    if len(state.completed_frameworks) > COMPLETED_FRAMEWORKS_MAX:
        turn.change(FrameworkForgotten(next(iter(state.completed_frameworks))))
    if link is not None:
        turn.do(Close(link, "Framework has been removed"))
