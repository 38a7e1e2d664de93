"""What a store keeps of Marathon: small records, and the same again from them."""

from __future__ import annotations

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import deployments
from mesostw.core.marathon.words import DeploymentCancelAsked, DeploymentPauseAsked, Planned
from mesostw.model.apps import Group, GroupId
from tests.core.marathon.builders import V1, app
from tests.core.marathon.cluster import Cluster, running, upgraded

#: The parts that are there only while a deployment is under way.
PASSING = ("deployments", "affected", "regrouped")


def sizes(cluster: Cluster) -> dict[str, int]:
    """Bytes of the largest record of each kind."""
    found: dict[str, int] = {}
    for key, record in cluster.store.items():
        kind = key.partition("/")[0]
        found[kind] = max(found.get(kind, 0), len(msgspec.msgpack.encode(record)))
    return found


def changed(count: int) -> Cluster:
    """A cluster in the middle of a change of so many apps and groups, in two steps."""
    cluster = Cluster()
    names = [f"/g{number:03}/a" for number in range(count)]
    groups = [Group(GroupId(f"/h{number:03}"), V1) for number in range(count)]
    running(cluster, *(app(name) for name in names))
    wished = [upgraded(cluster, cluster.state.apps[app(name).id]) for name in names]
    cluster.have(
        *wished, app("/new", dependencies=(names[0],)), groups={one.id: one for one in groups}
    )
    return cluster


class SizeTests(SynchronousTestCase):
    """However many apps change at once, no record grows with their number."""

    def test_records(self) -> None:
        """The largest record of each kind of a change of 300 apps is as large as that of 3."""
        few, many = changed(3), changed(300)
        self.assertGreater(len(many.store), 100 * 3)
        self.assertEqual(sizes(few).keys(), sizes(many).keys())
        for kind, size in sizes(many).items():
            # Names of agents have two digits more.
            self.assertLessEqual(size, sizes(few)[kind] + 8, kind)


class RestoreTests(SynchronousTestCase):
    """A deployment comes back from its parts as it was, but for what is found again."""

    def test_same(self) -> None:
        """Steps, the way back of groups and a pause are the same in the next life."""
        cluster = changed(3)
        (before,) = cluster.state.deployments.values()
        cluster.run(deployments.pause_asked, DeploymentPauseAsked(before.id, paused=True))
        (before,) = cluster.state.deployments.values()
        self.assertEqual(len(before.groups_before), 3)
        self.assertEqual(tuple(cluster.reborn().state.deployments.values()), (before,))

    def test_goes_on(self) -> None:
        """It goes on where it was, and leaves nothing of itself when it is done."""
        cluster = changed(3).reborn()
        self.assertEqual(len(cluster.state.deployments), 1)
        cluster.settle()
        self.assertEqual([key for key in cluster.store if key.startswith(PASSING)], [])
        self.assertEqual(cluster.current("/g001/a"), 1)

    def test_taken_back(self) -> None:
        """It is taken back in the next life with the groups that it made."""
        cluster = changed(3).reborn()
        (deployment,) = cluster.state.deployments.values()
        question = DeploymentCancelAsked(deployment.id, force=False)
        self.assertIsInstance(cluster.run(deployments.cancel_asked, question), Planned)
        cluster.settle()
        self.assertEqual(cluster.state.groups, {})
        self.assertNotIn("/new", cluster.state.apps)
        self.assertEqual([key for key in cluster.store if key.startswith(PASSING)], [])

    def test_versions_of_groups_only(self) -> None:
        """A group that a change only gives another version is not set back with it."""
        cluster = running(Cluster(), app("/g/a"))
        group = Group(GroupId("/g"), V1, ("/x",))
        cluster.have(groups={group.id: group})
        wished = upgraded(cluster, cluster.state.apps[app("/g/a").id])
        planned = cluster.have(wished, groups={group.id: Group(group.id, wished.version, ("/x",))})
        other = Group(group.id, cluster.stamp(), ("/y",))
        cluster.have(groups={group.id: other})
        cluster.run(
            deployments.cancel_asked, DeploymentCancelAsked(planned.deployment_id, force=False)
        )
        self.assertEqual(cluster.state.groups[group.id].dependencies, ("/y",))
