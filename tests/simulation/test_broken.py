"""The checkers bite: whoever breaks one promise is found out within a few seeds."""

from __future__ import annotations

from typing import ClassVar

from twisted.trial.unittest import SynchronousTestCase

from mesostw.interfaces import Deposed, StoreFailed
from mesostw.testing.chronos import ChronosCluster
from mesostw.testing.cluster import Cluster
from mesostw.testing.lives import Parts
from mesostw.testing.marathon import MarathonCluster

from . import broken

#: Seeds that a fault of a part may stay hidden in.
SEEDS_MAX = 40


class BrokenCase(SynchronousTestCase):
    """Each test runs seeds until one fails, and says why it must have."""

    cluster: ClassVar[type[Cluster]] = Cluster
    masters: ClassVar[int] = 1

    def found(self, parts: Parts, first: int = 1) -> str:
        """
        What the first seed that fails says.

        :param first: where it is known to be found soon.
        """
        try:
            for seed in range(first, first + SEEDS_MAX):
                report = self.cluster(seed, parts=parts, masters=self.masters).run()
                if report.faults:
                    return report.faults[0]
        finally:
            # Also what a core that checks itself finds.
            self.flushLoggedErrors(Deposed, StoreFailed, AssertionError)
        return "nothing was found"


class BrokenTests(BrokenCase):
    """Masters, agents and frameworks with a promise broken."""

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


class BrokenSeveralTests(BrokenCase):
    """One of several masters, or an agent of them, with a promise broken."""

    masters = 3

    def test_store_without_epoch(self) -> None:
        """What a former leader writes is not kept beside what its successor does."""
        found = self.found(broken.parts(zookeeper_store=broken.UncheckedStore))
        self.assertRegex(found, "has taken the store over|acknowledged was|does not know")

    def test_store_that_keeps_too_late(self) -> None:
        """What anybody was told, and was not kept before, the next leader does not know."""
        found = self.found(broken.parts(zookeeper_store=broken.HastyRegistry))
        self.assertRegex(found, "acknowledged was|does not know|is not gone|is forgotten")

    def test_store_that_does_not_write_again(self) -> None:
        """What a link took with it when it broke is not kept."""
        found = self.found(broken.parts(zookeeper_store=broken.CredulousStore))
        self.assertRegex(found, "acts while|acknowledged was|does not know|is not gone")

    def test_leader_that_cannot_prove_it(self) -> None:
        """Who has no link to ZooKeeper does nothing: another may lead."""
        found = self.found(broken.parts(seat=broken.UnheldSeat))
        self.assertIn("acts while its session is suspended", found)

    def test_leader_that_believes_its_memory(self) -> None:
        """Who goes on after a pause may not tell what it knew before."""
        found = self.found(broken.parts(seat=broken.BoastfulSeat))
        self.assertIn("tells what it remembers, and another leads", found)

    def test_leader_without_a_session(self) -> None:
        """Who has lost its session leads no more."""
        found = self.found(broken.parts(seat=broken.UndeadSeat))
        self.assertRegex(found, "acts while (its session is expired|another leads)")

    def test_agent_that_obeys_a_deposed_master(self) -> None:
        """A former leader that lives on gives nothing of an agent away that has another."""
        found = self.found(broken.parts(agent=broken.ObedientAgent), first=60)
        self.assertIn("obeys a master of epoch", found)

    def test_master_that_does_not_keep_kills(self) -> None:
        """What an operator was told is being ended is ended, whoever leads."""
        found = self.found(broken.parts(master=broken.UnkeptKillsMaster))
        self.assertRegex(found, "its kill is forgotten|go on, jobs")

    def test_master_that_does_not_say_kills_again(self) -> None:
        """Nor is it enough to know of it."""
        found = self.found(broken.parts(master=broken.UnsaidKillsMaster))
        self.assertRegex(found, "is not done: .* go on, jobs")


class BrokenMarathonTests(BrokenCase):
    """A Marathon with a promise broken."""

    cluster = MarathonCluster

    def test_marathon_that_answers_too_early(self) -> None:
        """What a user was told, and what was launched, is lost if it was not kept before."""
        found = self.found(broken.parts(framework_store=broken.HastyStore))
        self.assertRegex(found, "has lost changes|does not know|before it was kept|, now None")

    def test_marathon_that_does_not_hear_of_ends(self) -> None:
        """An end that is only acknowledged leaves an instance that is none."""
        found = self.found(broken.parts(marathon=broken.DeafMarathon))
        self.assertRegex(found, "not at rest")

    def test_marathon_that_replaces_all_at_once(self) -> None:
        """Old instances serve until as many new ones do."""
        found = self.found(broken.parts(marathon=broken.ImpatientMarathon))
        self.assertRegex(found, "is ended .* while . of at least . serve")

    def test_marathon_that_does_not_pause(self) -> None:
        """While a deployment is paused nothing ends for its sake."""
        found = self.found(broken.parts(marathon=broken.RestlessMarathon))
        self.assertRegex(found, "Replaced at once.* (during a pause|while . of at least . serve)")

    def test_marathon_that_launches_what_it_has_not_kept(self) -> None:
        """A task that no record names would be started again by the next life."""
        found = self.found(broken.parts(marathon=broken.ObliviousMarathon))
        self.assertRegex(found, "before it was kept|does not know")

    def test_marathon_that_forgets_launches(self) -> None:
        """A task that was launched by one life is known to the next."""
        found = self.found(broken.parts(marathon=broken.ScatterbrainedMarathon))
        self.assertIn("does not know", found)

    def test_marathon_that_forgets_kills(self) -> None:
        """What was on its way out in one life is so in the next."""
        found = self.found(broken.parts(marathon=broken.ForgivingMarathon))
        self.assertIn("has forgotten to end", found)

    def test_marathon_that_launches_too_many(self) -> None:
        """There are never more instances than were wished and may be above."""
        found = self.found(broken.parts(marathon=broken.GreedyMarathon))
        self.assertRegex(found, "instances, at most . may be")


class BrokenChronosTests(BrokenCase):
    """A Chronos with a promise broken."""

    cluster = ChronosCluster

    def test_chronos_that_launches_before_it_keeps(self) -> None:
        """A run is kept before its task is sent."""
        found = self.found(broken.parts(chronos=broken.ObliviousChronos))
        self.assertRegex(found, "before it was kept|was launching and is waiting")

    def test_chronos_that_does_not_hear_of_ends(self) -> None:
        """An end that was acknowledged and not kept is lost."""
        found = self.found(broken.parts(chronos=broken.DeafChronos))
        self.assertRegex(found, "not at rest")

    def test_chronos_that_begins_anew(self) -> None:
        """No instant is served twice, whatever life Chronos is in."""
        found = self.found(broken.parts(chronos=broken.AmnesiacChronos))
        self.assertRegex(found, "miscounted|accounted for")

    def test_chronos_that_forgets_launches(self) -> None:
        """What was on its way in one life is known to the next."""
        found = self.found(broken.parts(chronos=broken.ForgetfulChronos))
        self.assertRegex(found, "while .* runs|of one run|account")

    def test_chronos_without_fences(self) -> None:
        """What a life keeps that stood still while another began is refused."""
        found = self.found(broken.parts(framework_store=broken.UnfencedStore), first=9)
        self.assertRegex(found, "not by its attempt|ended as|is not the newest")

    def test_chronos_that_registers_and_is_not_the_newest(self) -> None:
        """A life that another has followed says nothing more to a master that it finds again."""
        found = self.found(broken.parts(chronos=broken.TrustingChronos), first=25)
        self.assertIn("is not the newest, and says", found)

    def test_chronos_with_timers_of_the_wall_clock(self) -> None:
        """A wall clock that is set neither freezes nor hurries what waits for a distance."""
        parts = broken.parts(chronos_clock=broken.WallClock, framework_store=broken.TimelessStore)
        self.assertRegex(self.found(parts, first=20), "tries .* again after")
