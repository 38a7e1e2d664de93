"""Tests for ``mesostw.messages.kinds``."""

from __future__ import annotations

from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages import (
    agent_master,
    executor_calls,
    executor_events,
    followers,
    hello,
    scheduler_calls,
    scheduler_events,
)
from mesostw.messages.kinds import KINDS, NUMBERS

#: Structs of the conversations that are only parts of messages, or only of HTTP answers.
PARTS = frozenset(
    {
        agent_master.RunningExecutor,
        agent_master.ReconcileTasks,
        followers.MasterShown,
        scheduler_calls.ReconcileTask,
        scheduler_calls.ReconcileOperation,
        scheduler_events.Response,
        scheduler_events.ReconcileOperationsResponse,
        scheduler_events.APIResult,
    }
)


class KindsTests(SynchronousTestCase):
    """Every message that may be said on the bus has one number."""

    def test_conversations(self) -> None:
        """Each message of each conversation has a number, and nothing else has."""
        said = {
            kind
            for module in (
                agent_master,
                executor_calls,
                executor_events,
                followers,
                hello,
                scheduler_calls,
                scheduler_events,
            )
            for kind in vars(module).values()
            if isinstance(kind, type)
            and issubclass(kind, Struct)
            and kind.__module__ == module.__name__
        }
        self.assertEqual(said - PARTS, set(KINDS.values()))

    def test_numbers(self) -> None:
        """A number fits its place in the header and has one type, and the other way round."""
        self.assertEqual(len(NUMBERS), len(KINDS))
        for number, kind in KINDS.items():
            self.assertTrue(1 <= number < 2**16)
            self.assertEqual(NUMBERS[kind], number)

    def test_stable(self) -> None:
        """Numbers that were given once are never changed."""
        given = {
            1: "hello.Hello",
            105: "agent_master.Ping",
            110: "agent_master.StatusUpdated",
            202: "scheduler_calls.Accept",
            214: "scheduler_calls.Message",
            301: "scheduler_events.Offers",
            305: "scheduler_events.Update",
            401: "executor_calls.Update",
            501: "executor_events.Launch",
            605: "followers.Published",
        }
        for number, name in given.items():
            kind = KINDS[number]
            self.assertEqual(f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}", name)
