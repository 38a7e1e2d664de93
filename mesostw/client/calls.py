"""What a scheduler may say to its master, in plain arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mesostw.client.conversation import Conversation
from mesostw.interfaces import IDialer, IExchange
from mesostw.messages import scheduler_calls as calls
from mesostw.messages.health import KillPolicy
from mesostw.messages.ids import AgentID, ExecutorID, OfferID, TaskID
from mesostw.messages.offers import Filters
from mesostw.messages.operations import OfferOperation
from mesostw.messages.tasks import TaskStatus
from mesostw.model.tasks import TERMINAL


class Calls(Conversation):
    """
    The calls of a subscribed framework; each is one message to the master.

    While there is no link nothing is said: what a lost call means is in the client's Note.
    """

    def __init__(self, exchange: IExchange, dialer: IDialer) -> None:
        super().__init__(exchange, dialer)
        # Said again after each reconnection, until the task has ended.
        self._kills: dict[str, calls.Kill] = {}

    def accept(
        self,
        offer_ids: Iterable[OfferID],
        operations: Iterable[OfferOperation],
        refuse_s: float | None = None,
    ) -> None:
        """Use offers of one agent; what is left is refused for ``refuse_s`` (5 s by default)."""
        self._say(
            calls.Accept(
                offer_ids=tuple(offer_ids),
                operations=tuple(operations),
                filters=_filters(refuse_s),
            )
        )

    def decline(self, offer_ids: Iterable[OfferID], refuse_s: float | None = None) -> None:
        """Refuse offers, and the same resources for ``refuse_s`` (5 s by default)."""
        self._say(calls.Decline(offer_ids=tuple(offer_ids), filters=_filters(refuse_s)))

    def kill(
        self, task_id: str, agent_id: str | None = None, kill_policy: KillPolicy | None = None
    ) -> None:
        """End a task; said again after each reconnection until the task has ended."""
        kill = calls.Kill(
            task_id=TaskID(value=task_id),
            agent_id=None if agent_id is None else AgentID(value=agent_id),
            kill_policy=kill_policy,
        )
        self._kills[task_id] = kill
        self._say(kill)

    def acknowledge(self, status: TaskStatus) -> None:
        """What ``status`` says is kept; the client does this by itself unless told not to."""
        if status.state in TERMINAL:
            self._kills.pop(status.task_id.value, None)
        if status.uuid is not None and status.agent_id is not None:
            self._say(
                calls.Acknowledge(
                    agent_id=status.agent_id, task_id=status.task_id, uuid=status.uuid
                )
            )

    def reconcile(self, tasks: Mapping[str, str | None] | None = None) -> None:
        """Ask for the state of ``tasks`` (task id to agent id if known), or of all (``None``)."""
        asked = tuple(
            calls.ReconcileTask(
                task_id=TaskID(value=task),
                agent_id=None if agent is None else AgentID(value=agent),
            )
            for task, agent in (tasks or {}).items()
        )
        self._say(calls.Reconcile(tasks=asked))

    def suppress(self, roles: Iterable[str] = ()) -> None:
        """No more offers for ``roles`` (all if none is named) until :meth:`revive`."""
        self._say(calls.Suppress(roles=tuple(roles)))

    def revive(self, roles: Iterable[str] = ()) -> None:
        """Offers again for ``roles``, all filters forgotten."""
        self._say(calls.Revive(roles=tuple(roles)))

    def send(self, agent_id: str, executor_id: str, content: bytes) -> None:
        """Say ``content`` to an executor; may be lost."""
        self._say(
            calls.Message(
                agent_id=AgentID(value=agent_id),
                executor_id=ExecutorID(value=executor_id),
                data=content,
            )
        )

    def shutdown(self, agent_id: str, executor_id: str) -> None:
        """End an executor and its tasks."""
        self._say(
            calls.Shutdown(
                agent_id=AgentID(value=agent_id), executor_id=ExecutorID(value=executor_id)
            )
        )


def _filters(refuse_s: float | None) -> Filters | None:
    return None if refuse_s is None else Filters(refuse_seconds=refuse_s)
