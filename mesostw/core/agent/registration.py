"""
Coming to a master and staying with it.

The first try comes after a random part of ``registration_backoff_s``, the next ones after
a random part of a time that doubles to a minute.  An agent that has an id tells all that
it holds.  A master that is silent for longer than its pings allow is dialled again, and
one with an older epoch than the newest that was heard is refused.
"""

from __future__ import annotations

from msgspec.structs import replace

from mesostw.core.agent import routes
from mesostw.core.agent.changes import IdentityChanged, MasterChanged, MasterSeen, Task
from mesostw.core.agent.flags import REGISTRATION_BACKOFF_MAX_S, REGISTRATION_BACKOFF_MIN_S
from mesostw.core.agent.frameworks import left
from mesostw.core.agent.turn import Turn
from mesostw.core.agent.updates import resumed, unknown
from mesostw.core.agent.words import MasterSilent, RegistrationDue
from mesostw.core.outcome import Arm, Close, Disarm, LinkOpened, Send
from mesostw.messages.agent_master import (
    AgentRegistered,
    AgentReregistered,
    Ping,
    Pong,
    ReconcileTasks,
    RegisterAgent,
    ReregisterAgent,
    RunningExecutor,
)
from mesostw.messages.agents import AgentInfo
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID
from mesostw.messages.tasks import Task as TaskMessage
from mesostw.messages.tasks import TaskStatusReason
from mesostw.model.ids import AgentId, FrameworkId, LinkId, TaskId


def opened(turn: Turn, heard: LinkOpened) -> None:
    """A link to a master is open; an older one is not heard any more."""
    live = turn.live
    if live.master is not None:
        turn.do(Close(live.master, "the master was dialled again"))
        lost(turn)
    live.master = heard.link
    live.master_address = heard.address
    begin(turn)


def begin(turn: Turn) -> None:
    """Start to register, once there is a link and what the last life left is known."""
    live = turn.live
    if live.master is None or live.trying or live.recovering or live.quitting:
        return
    live.trying = True
    live.backoff_s = max(turn.flags.registration_backoff_s, REGISTRATION_BACKOFF_MIN_S)
    first_s = turn.flags.registration_backoff_s * turn.roll()
    if first_s > 0:
        turn.do(Arm(RegistrationDue(), first_s))
    else:
        due(turn)


def due(turn: Turn) -> None:
    """Say who we are, and wait for the next try."""
    live = turn.live
    if live.master is None or live.registered:
        return
    turn.do(Send(live.master, _introduction(turn)))
    turn.do(Arm(RegistrationDue(), live.backoff_s * turn.roll()))
    live.backoff_s = min(live.backoff_s * 2, REGISTRATION_BACKOFF_MAX_S)


def lost(turn: Turn) -> None:
    """We are with no master: statuses wait, containers run on."""
    live = turn.live
    routes.lost(turn)
    live.master = None
    live.registered = live.trying = False
    live.outstanding.clear()
    live.retries.clear()
    turn.do(Disarm(RegistrationDue()))
    turn.do(Disarm(MasterSilent()))
    if turn.state.master is not None:
        turn.change(MasterChanged(None))
    left(turn)


def silent(turn: Turn) -> None:
    """No ping for too long: end the link, so that it is dialled again."""
    link = turn.live.master
    if link is not None:
        turn.count("master_silences")
        turn.do(Close(link, "no ping from the master"))
        lost(turn)


def pinged(turn: Turn, ping: Ping) -> None:
    """The master asks whether we are here, and says whether it knows that we are."""
    live = turn.live
    if live.master is None:
        return
    turn.do(Send(live.master, Pong()))
    turn.do(Arm(MasterSilent(), live.ping_timeout_s))
    if not ping.connected and live.registered:
        live.registered = live.trying = False
        begin(turn)


def registered(turn: Turn, link: LinkId, heard: AgentRegistered | AgentReregistered) -> None:
    """A master has admitted us, unless it is an old one or takes us for another."""
    state, live = turn.state, turn.live
    identity = state.identity
    agent_id = AgentId(heard.agent_id.value)
    if heard.epoch < identity.epoch:
        _refuse(
            turn,
            link,
            f"epoch {heard.epoch} is older than {identity.epoch}: this master was deposed, or "
            f"lost its registry; in that case remove {turn.flags.work_dir}/meta",
        )
        return
    if identity.agent_id and identity.agent_id != agent_id:
        _refuse(turn, link, f"this agent is {identity.agent_id}, not {agent_id}")
        return
    known = replace(identity, agent_id=agent_id, epoch=heard.epoch, info=_info(turn, agent_id))
    if known != identity:
        turn.change(IdentityChanged(known))
    live.ping_timeout_s = heard.ping_timeout_s
    turn.do(Arm(MasterSilent(), live.ping_timeout_s))
    if live.registered:
        return
    live.registered = True
    turn.do(Disarm(RegistrationDue()))
    turn.change(MasterChanged(MasterSeen(live.master_address, turn.now.wall)))
    if isinstance(heard, AgentReregistered):
        for asked in heard.reconcile:
            _reconcile(turn, asked)
    resumed(turn)
    left(turn)


def stale(turn: Turn, epoch: int) -> bool:
    """Whether a command comes from a master that has been deposed."""
    if epoch >= turn.state.identity.epoch:
        return False
    turn.count("stale_commands")
    return True


def agent_info(turn: Turn) -> AgentInfo:
    """Who we are, with our id if we have one."""
    return _info(turn, turn.state.identity.agent_id)


def _info(turn: Turn, agent_id: AgentId) -> AgentInfo:
    flags = turn.flags
    return AgentInfo(
        hostname=flags.hostname,
        port=flags.port,
        resources=flags.resources,
        attributes=flags.attributes,
        id=AgentID(value=agent_id) if agent_id else None,
    )


def _refuse(turn: Turn, link: LinkId, reason: str) -> None:
    turn.count("refused_masters")
    turn.do(Close(link, reason))
    lost(turn)


def _introduction(turn: Turn) -> RegisterAgent | ReregisterAgent:
    flags, state = turn.flags, turn.state
    if not state.identity.agent_id:
        return RegisterAgent(
            agent=agent_info(turn),
            version=flags.version,
            capabilities=flags.capabilities,
            address=flags.address,
        )
    return ReregisterAgent(
        agent=agent_info(turn),
        version=flags.version,
        capabilities=flags.capabilities,
        address=flags.address,
        tasks=tuple(
            task_message(task, state.identity.agent_id)
            for task in state.tasks.values()
            if not state.frameworks[task.framework_id].terminating
        ),
        executors=tuple(
            RunningExecutor(
                framework_id=FrameworkID(value=executor.framework_id), executor=executor.info
            )
            for executor in state.executors.values()
        ),
        frameworks=tuple(
            replace(framework.info, id=FrameworkID(value=framework.id))
            for framework in state.frameworks.values()
            if not framework.terminating
        ),
    )


def task_message(task: Task, agent_id: AgentId) -> TaskMessage:
    """A task as masters and readers are told of it."""
    info = task.info
    head = task.pending[0] if task.pending else task.statuses[-1] if task.statuses else None
    return TaskMessage(
        name=info.name,
        task_id=info.task_id,
        framework_id=FrameworkID(value=task.framework_id),
        executor_id=None if task.built_in else ExecutorID(value=task.executor_id),
        agent_id=AgentID(value=agent_id),
        state=task.state,
        resources=info.resources,
        statuses=task.statuses,
        status_update_state=None if head is None else head.state,
        status_update_uuid=None if head is None else head.uuid,
        labels=info.labels,
        discovery=info.discovery,
        container=info.container,
        health_check=info.health_check,
        kill_policy=info.kill_policy,
        user=task.user,
        limits=info.limits,
    )


def _reconcile(turn: Turn, asked: ReconcileTasks) -> None:
    framework_id = FrameworkId(asked.framework_id.value)
    for task_id in asked.task_ids:
        key = framework_id, TaskId(task_id.value)
        if key not in turn.state.tasks:
            unknown(
                turn,
                key,
                aware=asked.partition_aware,
                reason=TaskStatusReason.REASON_RECONCILIATION,
                message="Reconciliation: the task is not known to the agent",
            )
