"""Which live topics a master has, and which of their rows each change touches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final

import attrs

from mesostw.core.master import changes
from mesostw.core.master.state import AgentState, ClusterState
from mesostw.feed import rows
from mesostw.feed.events import Events
from mesostw.feed.tables import Row, Table
from mesostw.interfaces import IFeed
from mesostw.model.tasks import TaskState

#: The one key of the one row of ``cluster``.
ALL: Final = "cluster"
_ALL: Final = ("cluster", ALL)

TASK_COUNTS: Final = (
    ("staging", TaskState.TASK_STAGING),
    ("starting", TaskState.TASK_STARTING),
    ("running", TaskState.TASK_RUNNING),
    ("killing", TaskState.TASK_KILLING),
)
ENDED_COUNTS: Final = (
    ("finished", TaskState.TASK_FINISHED),
    ("failed", TaskState.TASK_FAILED),
    ("killed", TaskState.TASK_KILLED),
    ("lost", TaskState.TASK_LOST),
)
_SUMMED: Final = tuple(
    f"{name}{part}" for name in rows.MEASURES for part in ("", "_used", "_offered")
)
_SUMMED_AT: Final = tuple(rows.AGENT_COLUMNS.index(name) for name in _SUMMED)
_STATE_AT: Final = rows.AGENT_COLUMNS.index("state")

CLUSTER_COLUMNS: Final = (
    "name",
    "leader",
    "master_id",
    "version",
    "started",
    "epoch",
    *(f"{name}{part}" for name in rows.MEASURES for part in ("_total", "_used", "_offered")),
    "agents_active",
    "agents_inactive",
    "agents_unreachable",
    "frameworks_active",
    *(f"tasks_{name}" for name, _ in (*TASK_COUNTS, *ENDED_COUNTS)),
    "tasks_unreachable",
    "offers",
    "live_clients",
    "door",
    "chronos_door",
    "copied_by",
    "copied_at",
    "behind",
    "standbys",
)


@attrs.frozen(kw_only=True)
class Banner:
    """What the one row of ``cluster`` says of the master itself."""

    name: str
    leader: str
    master_id: str
    version: str
    started: float
    #: The framework whose API the master's ``/marathon`` leads to; empty for none.
    door: str = ""
    #: The same of ``/chronos``.
    chronos_door: str = ""
    #: Of whom this is a copy; empty: the feed's own.
    epoch: str = ""
    #: ``host:port`` of the master that shows this, where that is not the leader.
    copied_by: str = ""
    #: Up to when a copy that is stale has everything, in wall seconds; 0 for a fresh one.
    copied_at: float = 0.0
    #: Whole seconds that a fresh copy is late; 0 for one that follows at once.
    behind: int = 0
    #: Where those answer that follow this leader, ``host:port,host:port``: where to go
    #: when it does not answer any more.
    standbys: str = ""


class MasterLayout:
    """
    The topics ``cluster``, ``agents``, ``frameworks``, ``tasks``, ``offers`` and ``events``.

    Totals over agents are kept by the differences of their rows, so that one change
    among ten thousand agents costs one row.
    """

    def __init__(
        self,
        feed: IFeed,
        banner: Callable[[], Banner],
        wall: Callable[[], float],
        live_clients: Callable[[], int] = lambda: 0,
    ) -> None:
        self._feed, self._banner, self._live_clients = feed, banner, live_clients
        self._sums = [0] * len(_SUMMED)
        self._states: Counter[object] = Counter()
        self.events = Events(wall)
        self._tasks = Table(
            "tasks", rows.TASK_COLUMNS, self._task, enums={"state": rows.TASK_STATES}
        )
        self.tables = [
            Table(
                "agents",
                rows.AGENT_COLUMNS,
                self._agent,
                enums={"state": rows.AGENT_STATES},
                watch=self._add_up,
            ),
            Table(
                "frameworks",
                rows.FRAMEWORK_COLUMNS,
                self._framework,
                enums={"state": rows.FRAMEWORK_STATES},
            ),
            self._tasks,
            Table("offers", rows.OFFER_COLUMNS, self._offer),
            Table("events", rows.EVENT_COLUMNS, self.events.row),
            # Last: its sums are those of the rows above.
            Table("cluster", CLUSTER_COLUMNS, self._cluster),
        ]

    @property
    def _view(self) -> ClusterState:
        view: ClusterState = self._feed.view
        return view

    # --- changes ------------------------------------------------------------

    def noted(self, change: object) -> None:
        """Remember ``change`` as an event, if it is one that people want to know."""
        self.events.noted(change)

    def touched(self, change: object) -> Iterable[tuple[str, Hashable]]:
        for key in self.events.fresh():
            yield "events", key
        match change:
            case changes.TaskChanged(task) | changes.TaskStrayed(task) | changes.TaskRemoved(task):
                yield "tasks", (task.framework_id, task.id)
                yield "agents", task.agent_id
                yield "frameworks", task.framework_id
            case changes.TaskForgotten(framework_id, task_id):
                yield "tasks", (framework_id, task_id)
            case changes.OfferMade(offer) | changes.OfferEnded(offer):
                yield "offers", offer.id
                yield "agents", offer.agent_id
                yield "frameworks", offer.framework_id
            case changes.ExecutorChanged(executor) | changes.ExecutorRemoved(executor):
                yield "agents", executor.agent_id
                yield "frameworks", executor.framework_id
            case changes.AgentKept(agent) | changes.AgentChanged(agent):
                yield "agents", agent.id
            case changes.AgentRemoved(agent_id):
                yield "agents", agent_id
            case _:
                yield from self._touched_frameworks(change)
        yield _ALL

    def _touched_frameworks(self, change: object) -> Iterator[tuple[str, Hashable]]:
        match change:
            case (
                changes.FrameworkKept(framework)
                | changes.FrameworkChanged(framework)
                | changes.FrameworkRemoved(framework)
            ):
                yield "frameworks", framework.id
            case changes.FrameworkForgotten(framework_id):
                yield "frameworks", framework_id
                for key in self._tasks.known_keys():
                    if isinstance(key, tuple) and key[0] == framework_id:
                        yield "tasks", key
            case _:
                pass

    def everything(self) -> Iterable[tuple[str, Hashable]]:
        view = self._view
        yield from (("agents", key) for key in view.agents)
        yield from (("frameworks", key) for key in view.completed_frameworks)
        yield from (("frameworks", key) for key in view.frameworks)
        yield from (("tasks", (task.framework_id, task.id)) for task in view.all_tasks())
        yield from (("offers", key) for key in view.offers)
        yield from (("events", key) for key in self.events.kept())
        yield _ALL

    def cleared(self) -> None:
        self._sums = [0] * len(_SUMMED)
        self._states.clear()

    # --- rows -----------------------------------------------------------------

    def _agent(self, key: Hashable) -> Row | None:
        view = self._view
        agent = view.agents.get(key)  # type: ignore[call-overload]
        return None if agent is None else rows.agent_row(agent, view.agent_load_of(agent.id))

    def _framework(self, key: Hashable) -> Row | None:
        view = self._view
        framework = view.framework(key)  # type: ignore[arg-type]
        if framework is None:
            return None
        return rows.framework_row(framework, view.load_of(framework.id))

    def _task(self, key: Hashable) -> Row | None:
        view = self._view
        assert isinstance(key, tuple)
        task = view.tasks.get(key)
        active = task is not None
        if task is None:
            task = view.task(*key)
        if task is None:
            return None
        return rows.task_row(task, self._hostname(task.agent_id), active=active)

    def _offer(self, key: Hashable) -> Row | None:
        offer = self._view.offers.get(key)  # type: ignore[call-overload]
        return None if offer is None else rows.offer_row(offer, self._hostname(offer.agent_id))

    def _hostname(self, agent_id: Hashable) -> str:
        agent = self._view.agents.get(agent_id)  # type: ignore[call-overload]
        return "" if agent is None else str(agent.info.hostname)

    def _cluster(self, key: Hashable) -> Row:
        view, banner, states = self._view, self._banner(), self._states
        return (
            banner.name,
            banner.leader,
            banner.master_id,
            banner.version,
            banner.started,
            banner.epoch or str(self._feed.epoch),
            *(amount / 1000 for amount in self._sums),
            states[AgentState.ACTIVE],
            states[AgentState.INACTIVE] + states[AgentState.DISCONNECTED],
            states[AgentState.UNREACHABLE],
            sum(one.is_connected for one in view.frameworks.values()),
            *(view.states.get(state, 0) for _, state in TASK_COUNTS),
            *(view.ended.get(state, 0) + view.states.get(state, 0) for _, state in ENDED_COUNTS),
            view.unreachable,
            len(view.offers),
            self._live_clients(),
            banner.door,
            banner.chronos_door,
            banner.copied_by,
            banner.copied_at,
            banner.behind,
            banner.standbys,
        )

    def _add_up(self, old: Row | None, new: Row | None) -> None:
        sums = self._sums
        for row, sign in ((old, -1), (new, 1)):
            if row is not None:
                for number, at in enumerate(_SUMMED_AT):
                    amount = row[at]
                    assert isinstance(amount, float)
                    sums[number] += sign * round(amount * 1000)
                self._states[_STATES[row[_STATE_AT]]] += sign  # type: ignore[call-overload]


_STATES: Final = tuple(AgentState)
