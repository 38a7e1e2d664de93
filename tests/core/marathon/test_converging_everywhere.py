"""Deployments of an app with one instance on every agent, with offers as they come."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import everywhere, offers
from mesostw.core.marathon.records import Condition, Waiting
from mesostw.core.scheduling import AgentFailed
from mesostw.model.apps import AppId
from mesostw.model.ids import AgentId
from tests.core.marathon.builders import app
from tests.core.marathon.cluster import Cluster, scaled, upgraded
from tests.core.marathon.offering import offer, offered

E = AppId("/e")


class EverywhereTests(SynchronousTestCase):
    """As many as there are agents, whatever happens to these."""

    def setUp(self) -> None:
        self.cluster = Cluster()
        self.agents = {1, 2, 3}
        self.least = 0
        self.most = 100
        self.e = app("/e", every_agent=True, instances=0)

    def rounds(self, count: int = 20) -> None:
        """Let so many seconds pass: each agent offers, what starts runs, what is killed ends."""
        cluster = self.cluster
        for _ in range(count):
            cluster.look()
            serving = [one for one in cluster.of("/e") if not one.is_doomed]
            self.assertTrue(self.least <= len(serving) <= self.most, serving)
            cluster.later(1.0)
            cluster.run(offers.ticked)
            cluster.run(offers.offered, offered(*map(offer, sorted(self.agents))))
            for one in cluster.of("/e"):
                if one.condition is Condition.PROVISIONED:
                    cluster.start(one)
            cluster.look()
            cluster.ends()

    def hosts(self) -> list[str]:
        return sorted(one.hostname for one in self.cluster.of("/e"))

    def test_one_on_each(self) -> None:
        """The deployment is over when the agents are known and each has one."""
        self.cluster.have(self.e)
        self.rounds(1)
        self.assertEqual(len(self.cluster.state.deployments), 1)
        self.rounds()
        self.assertEqual(self.hosts(), ["n1", "n2", "n3"])
        self.assertEqual(self.cluster.state.deployments, {})

    def test_agents_come_and_go(self) -> None:
        """A new agent gets an instance; for one that is lost none is left to launch."""
        self.cluster.have(self.e)
        self.rounds()
        self.agents = {2, 3, 4}
        self.cluster.run(everywhere.agent_failed, AgentFailed(AgentId("S1"), None, None))
        self.cluster.end(next(one for one in self.cluster.of("/e") if one.hostname == "n1"))
        self.rounds()
        self.assertEqual(self.hosts(), ["n2", "n3", "n4"])
        self.assertEqual(self.cluster.state.waiting, {})

    def test_another_configuration_takes_the_places_one_by_one(self) -> None:
        """There is one place on an agent, so that with the usual limits one is missing at most."""
        self.cluster.have(self.e)
        self.rounds()
        self.least, self.most = 2, 3
        waiting: list[Waiting] = []
        self.cluster.watch = lambda world: waiting.extend(world.state.waiting.values())
        self.cluster.have(upgraded(self.cluster, self.e))
        self.rounds(40)
        self.assertEqual(self.hosts(), ["n1", "n2", "n3"])
        self.assertEqual(self.cluster.current("/e"), 3)
        self.assertEqual({one.count for one in waiting}, {1})
        self.assertEqual(self.cluster.state.deployments, {})

    def test_a_number_again(self) -> None:
        """A plain number ends what is over."""
        self.cluster.have(self.e)
        self.rounds()
        now = scaled(self.cluster, self.e, 1)
        numbered = app("/e", now.version, now.last_config_change_at, instances=1)
        self.cluster.have(numbered)
        self.rounds()
        self.assertEqual(len(self.hosts()), 1)
        self.assertEqual(self.cluster.state.deployments, {})

    def test_shown_number(self) -> None:
        """Clients are shown how many there are, at the version that somebody asked for."""
        self.cluster.have(self.e)
        version = self.cluster.state.apps[E].version
        self.rounds()
        self.assertEqual(self.cluster.state.apps[E].spec.instances, 3)
        self.agents.add(4)
        self.rounds()
        now = self.cluster.state.apps[E]
        self.assertEqual((now.spec.instances, now.version), (4, version))
        self.cluster = self.cluster.reborn()
        self.cluster.look()
        self.assertEqual(self.cluster.state.apps[E].spec.instances, 4)

    def test_what_was_everywhere_stays_until_its_step_comes(self) -> None:
        """Before its step a lost instance is started again, as it was."""
        self.cluster.have(self.e, app("/db", instances=0))
        self.rounds()
        self.cluster.runs = False
        db = upgraded(self.cluster, app("/db"), instances=1, cpus=99.0)
        self.cluster.have(db, upgraded(self.cluster, self.e, dependencies=("/db",)))
        self.cluster.end(self.cluster.of("/e")[0])
        self.rounds()
        self.assertEqual(self.hosts(), ["n1", "n2", "n3"])
        self.assertEqual(self.cluster.current("/e"), 0)

    def test_the_next_life_ends_nobody(self) -> None:
        """Before the first offers only agents with an instance are known; they are enough."""
        self.cluster.have(self.e)
        self.rounds()
        before = self.cluster.of("/e")
        self.cluster = self.cluster.reborn()
        self.cluster.look()
        self.assertEqual(self.cluster.of("/e"), before)
        self.assertEqual(self.cluster.state.waiting, {})
        self.rounds()
        self.assertEqual(self.hosts(), ["n1", "n2", "n3"])
