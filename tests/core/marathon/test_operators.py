"""Instances that somebody wants ended."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import operators
from mesostw.core.marathon.changes import GroupChanged
from mesostw.core.marathon.records import Action, ActionKind
from mesostw.core.marathon.words import InstancesKillAsked, Killed, Planned, Terms, Unfit
from mesostw.model.apps import ROOT, AppId, Group, GroupId
from tests.core.marathon.builders import V1, app
from tests.core.marathon.cluster import Cluster, running, upgraded


class KillTests(SynchronousTestCase):
    """They are replaced, or as many fewer are wished."""

    def setUp(self) -> None:
        self.cluster = running(Cluster(), app(instances=3), app("/b"))

    def ask(self, **fields: object) -> Killed | Planned | Unfit:
        question = InstancesKillAsked(**{"terms": Terms(), **fields})  # type: ignore[arg-type]
        return self.cluster.run(operators.instances_kill_asked, question)

    def test_they_are_replaced(self) -> None:
        """The answer tells them as they were, by task or instance; unknown ones are left out."""
        first, second, _ = self.cluster.of("/a")
        answer = self.ask(task_ids=(first.task_id, second.id, "none"))
        self.assertEqual(answer, Killed((first, second)))
        self.cluster.settle()
        self.assertEqual(self.cluster.count("/a"), 3)
        self.assertNotIn(first.id, self.cluster.state.instances)

    def test_of_an_app_on_a_host(self) -> None:
        """Only those there; ``*`` is every host."""
        first = self.cluster.of("/a")[0]
        self.assertEqual(self.ask(app_id=AppId("/a"), hostname=first.hostname), Killed((first,)))
        all_ = tuple(self.cluster.of("/a"))
        self.assertEqual(self.ask(app_id=AppId("/a"), hostname="*"), Killed(all_))

    def test_an_unknown_app_is_refused(self) -> None:
        """As the API says it."""
        answer = self.ask(app_id=AppId("/none"))
        self.assertEqual(answer, Unfit("unknown", "App '/none' does not exist"))

    def test_another_app_s_task_is_not_of_the_app(self) -> None:
        """A task is looked for only in the app that is named."""
        (other,) = self.cluster.of("/b")
        self.assertEqual(self.ask(app_id=AppId("/a"), task_ids=(other.id,)), Killed(()))

    def test_with_scale_as_many_fewer_are_wished(self) -> None:
        """A deployment takes exactly those away."""
        first, second, third = self.cluster.of("/a")
        answer = self.ask(task_ids=(first.id, second.id), scale=True)
        assert isinstance(answer, Planned)
        self.assertEqual(self.cluster.state.apps[AppId("/a")].spec.instances, 1)
        action = self.cluster.state.deployments[answer.deployment_id].actions[0]
        self.assertEqual(action, Action(ActionKind.SCALE, AppId("/a"), 1))
        self.cluster.settle()
        self.assertEqual(self.cluster.of("/a"), [third])

    def test_with_scale_none_comes_back_before_its_step(self) -> None:
        """An app whose step comes later does not miss those that are ended at once."""
        cluster = running(Cluster(), app(instances=2), app("/w", instances=3, dependencies=("/a",)))
        going = (cluster.of("/a")[1], *cluster.of("/w")[:2])
        question = InstancesKillAsked(Terms(), task_ids=tuple(one.id for one in going), scale=True)
        answer = cluster.run(operators.instances_kill_asked, question)
        assert isinstance(answer, Planned)
        cluster.look()
        self.assertEqual(len(cluster.state.deployments[answer.deployment_id].steps), 2)
        self.assertEqual(cluster.state.waiting, {})
        self.assertEqual(
            {one.id for one in cluster.state.instances.values() if one.is_doomed},
            {one.id for one in going},
        )
        cluster.settle()
        self.assertEqual((cluster.count("/a"), cluster.count("/w")), (1, 1))
        self.assertEqual(cluster.state.deployments, {})

    def test_with_scale_nothing_is_ended_if_that_is_refused(self) -> None:
        """A deployment in the way is told, and no instance is touched."""
        self.cluster.have(upgraded(self.cluster, self.cluster.state.apps[AppId("/a")]))
        first = self.cluster.of("/a")[0]
        answer = self.ask(task_ids=(first.id,), scale=True)
        self.assertIsInstance(answer, Unfit)
        self.assertFalse(self.cluster.state.instances[first.id].is_doomed)

    def test_what_is_being_ended_does_not_count(self) -> None:
        """A second word for the same instances wishes no fewer again."""
        first = self.cluster.of("/a")[0]
        self.ask(task_ids=(first.id,))
        self.ask(task_ids=(first.id,), scale=True)
        self.assertEqual(self.cluster.state.apps[AppId("/a")].spec.instances, 3)

    def test_scale_and_wipe_are_refused_together(self) -> None:
        """As the API says it."""
        answer = self.ask(app_id=AppId("/a"), scale=True, wipe=True)
        self.assertEqual(
            answer, Unfit("bad_request", "You cannot use scale and wipe at the same time.")
        )

    def test_groups_around_have_the_new_version(self) -> None:
        """As after every change of the tree."""
        self.cluster.add(app("/g/a", instances=1))
        self.cluster.change(GroupChanged(Group(ROOT, V1)), GroupChanged(Group(GroupId("/g"), V1)))
        self.cluster._start(self.cluster.state.apps[AppId("/g/a")])
        answer = self.ask(app_id=AppId("/g/a"), scale=True)
        assert isinstance(answer, Planned)
        versions = {group.version for group in self.cluster.state.groups.values()}
        self.assertEqual(versions, {answer.version})

    def test_with_wipe_they_are_forgotten_at_once(self) -> None:
        """Also if nobody has said that they have ended."""
        first = self.cluster.of("/a")[0]
        self.ask(task_ids=(first.id,), wipe=True)
        self.assertNotIn(first.id, self.cluster.state.instances)

    def test_an_app_everywhere_is_not_scaled_by_kills(self) -> None:
        """Its number is nobody's wish, so that one fewer means nothing."""
        everywhere = app("/e", every_agent=True)
        self.cluster.add(everywhere)
        self.cluster._start(everywhere)
        answer = self.ask(app_id=AppId("/e"), scale=True)
        assert isinstance(answer, Unfit)
        self.assertEqual(answer.reason, "invalid")
