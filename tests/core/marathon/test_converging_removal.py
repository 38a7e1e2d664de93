"""Apps that go: their instances end, then nothing of them is left."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import converging, deployments
from mesostw.core.marathon.events import AppTerminated
from mesostw.core.marathon.records import TreeChange
from mesostw.core.marathon.words import Terms
from mesostw.core.scheduling import KillTask
from mesostw.model.apps import AppId
from tests.core.marathon.builders import app
from tests.core.marathon.cluster import Cluster, running, upgraded


class RemovalTests(SynchronousTestCase):
    """An app that goes."""

    def test_everything_of_it_goes(self) -> None:
        """Instances end, then versions and ends are forgotten; nothing of it is kept."""
        a = app(instances=2)
        cluster = running(Cluster(), a)
        running(cluster, upgraded(cluster, a))
        cluster.end(cluster.of("/a")[0])
        cluster.settle()
        cluster.remove("/a")
        cluster.settle()
        self.assertEqual([key for key in cluster.store if "history" not in key], [])
        self.assertEqual([one.app_id for one in cluster.told(AppTerminated)], [a.id])
        self.assertEqual((cluster.state.versions, cluster.state.terminations), ({}, {}))

    def test_it_is_not_in_the_tree_while_its_instances_end(self) -> None:
        """Readers do not see it any more, but what its instances were started from is known."""
        cluster = running(Cluster(), app(task_kill_grace_period_seconds=7))
        (one,) = cluster.of("/a")
        cluster.remove("/a")
        cluster.look()
        self.assertNotIn(AppId("/a"), cluster.state.apps)
        self.assertTrue(cluster.state.instances[one.id].is_doomed)
        (kill,) = cluster.did(KillTask)
        assert kill.policy is not None
        assert kill.policy.grace_period is not None
        self.assertEqual(kill.policy.grace_period.nanoseconds, 7_000_000_000)
        self.assertEqual(cluster.told(AppTerminated), [])

    def test_what_is_gone_ends_no_later_step(self) -> None:
        """Looked at again while the next step runs, a removed app is not one of its actions."""
        cluster = running(Cluster(), app("/a"), app("/b"))
        wished = upgraded(cluster, cluster.state.apps[AppId("/b")])
        change = {AppId("/a"): None, wished.id: wished}
        cluster.run(deployments.begin, TreeChange(version=wished.version, apps=change), Terms())
        cluster.runs = False
        cluster.settle()
        (deployment,) = cluster.state.deployments.values()
        self.assertEqual((deployment.step, deployment.done), (1, frozenset()))
        cluster.run(converging.mark_all)
        cluster.settle()
        self.assertEqual(tuple(cluster.state.deployments.values()), (deployment,))

    def test_many_go_in_parts(self) -> None:
        """Thousands are ended in several slices, all of them."""
        cluster = running(Cluster(), app(instances=2_500))
        cluster.remove("/a")
        cluster.slice()
        self.assertEqual(sum(one.is_doomed for one in cluster.of("/a")), 1_000)
        cluster.look()
        self.assertEqual(sum(one.is_doomed for one in cluster.of("/a")), 2_500)

    def test_one_of_the_same_name_is_another(self) -> None:
        """An app that is created again while the old one ends has none of its instances."""
        cluster = running(Cluster(), app(instances=2))
        old = {one.id for one in cluster.of("/a")}
        cluster.remove("/a")
        cluster.look()
        stamp = cluster.stamp()
        running(cluster, app(version=stamp, instances=2))
        self.assertEqual(cluster.count("/a"), 2)
        self.assertFalse(old & {one.id for one in cluster.of("/a")})
        self.assertEqual({one.version for one in cluster.of("/a")}, {stamp})

    def test_the_next_life_goes_on(self) -> None:
        """A Marathon that stopped in the middle of a removal ends it in its next life."""
        cluster = running(Cluster(), app(instances=2))
        cluster.remove("/a")
        next_life = cluster.reborn()
        next_life.settle()
        self.assertEqual(next_life.state.instances, {})
        self.assertEqual(next_life.lines(), ["terminated", "done", "success"])
