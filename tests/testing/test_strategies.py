"""Tests for ``mesostw.testing.strategies``."""

from __future__ import annotations

import msgspec
from hypothesis import HealthCheck, find, given, settings
from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages import AgentID, Labels, TaskID, TaskInfo, TaskStatus
from mesostw.testing.strategies import least, messages


class MessagesTests(SynchronousTestCase):
    """Strategies reach all that a type allows, and nothing else."""

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(messages(TaskInfo))
    def test_fits(self, task: TaskInfo) -> None:
        """What is made is what the type says."""
        self.assertEqual(msgspec.convert(msgspec.to_builtins(task), TaskInfo), task)

    def test_reaches(self) -> None:
        """Optional parts are set in some values and unset in others, lists empty and not."""
        find(messages(TaskStatus), lambda status: status.reason is not None)
        find(messages(TaskStatus), lambda status: status.reason is None)
        find(messages(Labels), lambda labels: len(labels.labels) > 1)
        find(messages(TaskInfo), lambda task: bool(task.limits))

    def test_least(self) -> None:
        """The least value has nothing that need not be given."""
        self.assertEqual(
            least(TaskInfo),
            TaskInfo(name="", task_id=TaskID(value=""), agent_id=AgentID(value="")),
        )
