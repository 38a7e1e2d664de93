"""A framework keeps the name under which its tasks run, or stops."""

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.reconciling import questions
from mesostw.core.framework.registering import fault_of_name, fault_of_store, name_of
from mesostw.messages.masters import MasterInfo
from mesostw.model.ids import AgentId, FrameworkId, TaskId

F = FrameworkId("F")


class NameTests(SynchronousTestCase):
    """The name that a master gives."""

    def test_store(self) -> None:
        """Tasks without the name that they were started under are told, with what to do."""
        self.assertIsNone(fault_of_store(None, 0, "runs"))
        self.assertIsNone(fault_of_store(F, 3, "runs"))
        fault = fault_of_store(None, 3, "runs")
        assert fault is not None
        self.assertIn("3 runs but no framework id", fault)

    def test_name(self) -> None:
        """The first name is taken, another than the known one is a fault."""
        self.assertIsNone(fault_of_name(None, F))
        self.assertIsNone(fault_of_name(F, F))
        self.assertIsNotNone(fault_of_name(F, FrameworkId("G")))

    def test_master(self) -> None:
        """A master is known by its host, else by its address."""
        self.assertEqual(name_of(None), "")
        self.assertEqual(name_of(MasterInfo(id="m", ip=0, port=5050, hostname="h")), "h")


class QuestionTests(SynchronousTestCase):
    """What a master is asked at once."""

    def test_parts(self) -> None:
        """Every task is asked after once, in parts, and nothing is asked after none."""
        tasks = [(TaskId(f"t{number}"), AgentId("S")) for number in range(5)]
        found = list(questions(tasks, 2))
        self.assertEqual([len(one.tasks) for one in found], [2, 2, 1])
        self.assertEqual({task for one in found for task in one.tasks}, {t for t, _ in tasks})
        self.assertEqual(list(questions((), 2)), [])
