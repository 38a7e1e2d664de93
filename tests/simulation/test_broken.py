"""The checkers bite: whoever breaks one promise is found out within a few seeds."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.testing.cluster import Cluster
from mesostw.testing.lives import Parts

from . import broken

#: Seeds that a fault of a part may stay hidden in.
SEEDS_MAX = 40


class BrokenTests(SynchronousTestCase):
    """Each test runs seeds until one fails, and says why it must have."""

    def found(self, parts: Parts) -> str:
        """What the first seed that fails says."""
        try:
            for seed in range(1, SEEDS_MAX):
                report = Cluster(seed, parts=parts).run()
                if report.faults:
                    return report.faults[0]
        finally:
            self.flushLoggedErrors(Deposed, StoreFailed)
        return "nothing was found"

    def test_framework_that_acknowledges_too_early(self) -> None:
        """An end that is acknowledged before it is kept is lost with the framework."""
        found = self.found(broken.parts(framework_store=broken.HastyStore))
        self.assertRegex(found, "has lost it|never wanted|was M.*now")

    def test_agent_that_acts_before_it_keeps(self) -> None:
        """A container that is started before its record is kept may be started again."""
        found = self.found(broken.parts(agent_store=broken.HastyStore))
        self.assertIn("before it was kept", found)

    def test_agent_that_obeys_a_deposed_master(self) -> None:
        """Without the check of epochs two masters would give the same agent away."""
        found = self.found(broken.parts(agent=broken.ObedientAgent))
        self.assertIn("obeys a master of epoch", found)

    def test_agent_that_runs_a_repeated_task(self) -> None:
        """A message that comes twice is no second wish."""
        found = self.found(broken.parts(agent=broken.RepeatingAgent))
        self.assertIn("launched twice", found)

    def test_agent_that_says_everything_once(self) -> None:
        """A status that was lost with a link has to be said again."""
        found = self.found(broken.parts(agent=broken.CurtAgent))
        self.assertIn("not at rest", found)

    def test_master_that_forgets_what_agents_run(self) -> None:
        """What is in use and was forgotten is given away again."""
        found = self.found(broken.parts(master=broken.ForgetfulMaster))
        self.assertRegex(found, "is used and|was said to be|never heard of")

    def test_master_that_forgets_early_kills(self) -> None:
        """A kill that comes before the task's agent is back is not lost."""
        found = self.found(broken.parts(master=broken.HeedlessMaster))
        self.assertIn("not at rest", found)
