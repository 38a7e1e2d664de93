"""
What must be true of a cluster at every moment, whoever crashes.

The :class:`Checker` is outside of all processes and never forgets.  It is shown each
container that starts, each offer, each status that a framework hears, and each end that
a framework has kept and acknowledges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from mesostw.core.agent.containers import ContainerSpec
from mesostw.core.agent.state import AgentState
from mesostw.core.master.state import ClusterState
from mesostw.messages import TaskStatus
from mesostw.model.ids import AgentId, ContainerId
from mesostw.model.resources import EMPTY, Resources
from mesostw.model.tasks import TERMINAL, TaskState
from mesostw.store.memory import MemoryDisk
from mesostw.testing.frameworks import AWAY, Worker

#: Ends that a master may claim only of a task that does not run and never will.
SURE_ENDS: Final = frozenset({TaskState.TASK_DROPPED, TaskState.TASK_GONE})


class IMachine(Protocol):
    """A machine with an agent, as the checker sees it."""

    name: str
    total: Resources
    disk: MemoryDisk

    @property
    def running(self) -> Mapping[ContainerId, ContainerSpec]:
        """Specs of the containers that have not ended."""

    @property
    def agent_id(self) -> AgentId:
        """The agent's id, as it was last kept; empty if it has none."""


class Checker:
    """
    Remembers everything and complains at the first thing that must not be.

    :param fault: is told what is wrong.
    :param leading: the tables of the master that leads now, as readers see them.
    :param need_of: what a task takes, by its id.
    :param leads: whether a master, by its id, leads now.
    """

    def __init__(
        self,
        fault: Callable[[str], None],
        leading: Callable[[], ClusterState | None],
        need_of: Callable[[str], Resources],
        leads: Callable[[str], bool] = lambda _master_id: True,
    ) -> None:
        self._fault = fault
        self._leading = leading
        self._need_of = need_of
        self._leads = leads
        #: Every container by framework id and task id.
        self.containers: dict[tuple[str, str], ContainerId] = {}
        #: Every end that a framework has acknowledged.
        self.ends: dict[tuple[str, str], TaskState] = {}
        #: Those of them that a deposed master had told: its successor, who believes to have
        #: the agent, may say for a while what it heard before.
        self._early: dict[tuple[str, str], None] = {}
        self._given_up: dict[tuple[str, str], TaskState] = {}
        #: What masters said of a task by themselves, and when by their clocks.
        self._answers: dict[tuple[tuple[str, str], TaskState, float], None] = {}
        self._epochs: dict[str, int] = {}
        #: Agents that were to be given up: their tasks' ends need not be acknowledged.
        self.gone: dict[AgentId, None] = {}
        self.statuses = 0

    # --- agents -------------------------------------------------------------------

    def launched(self, machine: IMachine, spec: ContainerSpec) -> None:
        """A container is about to start."""
        key = task_of(spec)
        before = self.containers.get(key)
        if before is not None:
            self._fault(f"{key} was launched twice: {before} and {spec.container_id}")
        self.containers[key] = spec.container_id
        if f"tasks/{key[0]}/{key[1]}" not in machine.disk.records:
            self._fault(f"{key} was launched on {machine.name} before it was kept there")
        self.fits(machine)

    def fits(self, machine: IMachine) -> None:
        """Complain if what runs on a machine and what is offered of it is more than it has."""
        used = EMPTY
        for spec in machine.running.values():
            used = used + self._need_of(task_of(spec)[1])
        view = self._leading()
        offered = EMPTY
        if view is not None and machine.agent_id:
            offered = view.agent_load_of(machine.agent_id).offered
        if not machine.total.contains(used + offered):
            self._fault(
                f"{machine.name} has {machine.total.text()}, but {used.text()} is used and"
                f" {offered.text()} is offered"
            )

    def obeys(self, name: str, epoch: int) -> None:
        """Complain if an agent obeys an older master than one that it has obeyed."""
        newest = self._epochs.get(name, 0)
        if epoch < newest:
            self._fault(f"{name} obeys a master of epoch {epoch} after one of epoch {newest}")
        self._epochs[name] = max(epoch, newest)

    def anew(self, name: str) -> None:
        """A machine has lost its disk: its agent is another one."""
        self._epochs.pop(name, None)

    # --- frameworks ---------------------------------------------------------------

    def awake(self, worker: Worker) -> None:
        """Complain if a framework has forgotten what it acknowledged."""
        for (framework_id, task_id), state in self.ends.items():
            if not task_id.startswith(f"{worker.name}-"):
                continue
            attempt = worker.attempts.get(task_id)
            if attempt is None or attempt.state is not state or not attempt.acknowledged:
                self._fault(
                    f"{worker.name} acknowledged {state.value} of {task_id} and has lost it"
                )
            if framework_id != worker.framework_id:
                self._fault(f"{worker.name} was {framework_id}, now {worker.framework_id!r}")

    def told(self, worker: Worker, status: TaskStatus) -> None:
        """Complain about a status that contradicts what was said before."""
        self.statuses += 1
        task_id, state = status.task_id.value, status.state
        key = (worker.framework_id, task_id)
        if task_id not in worker.attempts:
            self._fault(f"{worker.name} is told of {task_id}, which it never wanted")
        if state is TaskState.TASK_ERROR:
            self._fault(f"{task_id} is refused: {status.message}")
        if self._is_repeated(key, status):
            return
        before = self.ends.get(key)
        stale = key in self._early and status.uuid is None
        if before is not None and before is not state and not stale:
            self._fault(
                f"{task_id} was {before.value} for good and is now {state.value}: {status.message}"
            )
        given_up = self._given_up.get(key)
        if given_up in SURE_ENDS and state not in TERMINAL and state not in AWAY:
            self._fault(
                f"{task_id} was said to be {given_up.value} and is now {state.value}:"
                f" {status.message}"
            )
        if state in TERMINAL and status.uuid is None:
            self._given_up[key] = state

    def _is_repeated(self, key: tuple[str, str], status: TaskStatus) -> bool:
        """
        Whether a master's own word was heard before: it is as old as it was then.

        A network that repeats a chunk repeats all that is in it, a task's end too.
        """
        if status.uuid is not None or status.timestamp is None:
            return False
        answer = key, status.state, status.timestamp
        is_repeated = answer in self._answers
        self._answers[answer] = None
        return is_repeated

    def said(self, worker: Worker, what: str, *values: object) -> None:
        """Complain about nothing: a call may be lost, so nothing follows from it."""

    def unheard_of(self, worker: Worker) -> list[str]:
        """
        Tasks that ran and whose framework has not acknowledged their end.

        At rest there are none, unless the framework does without checkpoints: then the
        master ends tasks in its place when their agent is away.
        """
        if not worker.info.checkpoint:
            return []
        return [
            task_id
            for task_id, attempt in worker.attempts.items()
            if (worker.framework_id, task_id) in self.containers
            and not attempt.acknowledged
            and attempt.agent_id not in self.gone
        ]

    def acknowledging(self, worker: Worker, status: TaskStatus) -> None:
        """Remember what a framework acknowledges."""
        if status.state in TERMINAL and status.uuid is not None:
            key = (worker.framework_id, status.task_id.value)
            self.ends[key] = status.state
            if not self._leads(worker.master_id):
                self._early[key] = None


def task_of(spec: ContainerSpec) -> tuple[str, str]:
    """Framework id and task id of a container of the built-in executor."""
    environment = spec.environment
    return environment["MESOS_FRAMEWORK_ID"], environment["MESOS_EXECUTOR_ID"]


def differences(view: ClusterState | AgentState, state: ClusterState | AgentState) -> list[str]:
    """Names of the tables in which what was published is not what the core has."""
    return [
        name
        for name, table in vars(state).items()
        if not callable(table)
        and not name.startswith("_")
        and _plain(table) != _plain(getattr(view, name))
    ]


def _plain(table: object) -> object:
    """A table whose values compare by what is in them."""
    if isinstance(table, dict):
        return {key: _plain(value) for key, value in table.items()}
    slots: Sequence[str] = getattr(type(table), "__slots__", ())
    if type(table).__module__.endswith("loads") and slots:
        return {name: _plain(getattr(table, name)) for name in slots}
    return table
