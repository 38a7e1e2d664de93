"""Deployments: what is in the way, what is cancelled and taken back, paused and timed."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import deployments
from mesostw.core.marathon.changes import DelayChanged
from mesostw.core.marathon.events import (
    DeploymentFailed,
    DeploymentInfo,
    DeploymentStepSucceeded,
    DeploymentSucceeded,
)
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.records import Action, ActionKind, Delay, TreeChange
from mesostw.core.marathon.words import (
    DeploymentCancelAsked,
    DeploymentPauseAsked,
    DryRun,
    Locked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import App, AppId, DeploymentId, Group, GroupId, Stamp, UpgradeStrategy
from tests.core.marathon.builders import V1, V2, app
from tests.core.marathon.cluster import FORCE, Cluster

A = AppId("/a")
SHOP = GroupId("/shop")
ONE_BY_ONE = UpgradeStrategy(minimum_health_capacity=1.0, maximum_over_capacity=0.0)


class DeploymentTestCase(SynchronousTestCase):
    """A cluster, and an app ``/a`` with three instances that replaces one by one."""

    def setUp(self) -> None:
        self.cluster = Cluster(MarathonFlags(max_running_deployments=2, zk_max_versions=3))
        self.a = app(instances=3, upgrade_strategy=ONE_BY_ONE)
        self.cluster.have(self.a)
        self.cluster.settle()
        self.cluster.later(5.0)
        self.cluster.clear()

    def changed(self, **spec: object) -> App:
        """``/a`` as it is now, but for ``spec``, as another configuration."""
        stamp = self.cluster.stamp()
        now = self.cluster.state.apps[A]
        return App(replace(now.spec, **spec), stamp, now.last_scaling_at, stamp)

    def begun(self, **spec: object) -> Planned:
        """A change of ``/a`` that has begun, and has replaced one of three."""
        planned = self.cluster.have(self.changed(**{"cmd": "false", **spec}))
        self.cluster.look()
        self.cluster.launch()
        self.cluster.look()
        self.cluster.ends()
        self.cluster.look()
        return planned

    def cancel(self, deployment_id: DeploymentId, force: bool = False) -> Planned | Unfit:
        question = DeploymentCancelAsked(deployment_id, force)
        return self.cluster.run(deployments.cancel_asked, question)

    def pause(self, deployment_id: DeploymentId, paused: bool = True) -> Planned | Unfit:
        question = DeploymentPauseAsked(deployment_id, paused)
        return self.cluster.run(deployments.pause_asked, question)


class BeginTests(DeploymentTestCase):
    """A change is planned, kept and begun."""

    def test_the_answer_tells_what_is_new(self) -> None:
        """Version, deployment, the apps as they are, and which of them had not been there."""
        new = app("/new", V2)
        planned = self.cluster.have(new, self.changed(cmd="x"))
        deployment = self.cluster.state.deployments[planned.deployment_id]
        self.assertEqual(planned.version, deployment.version)
        self.assertEqual(planned.apps, (new, self.cluster.state.apps[A]))
        self.assertEqual(planned.created, {new.id})

    def test_the_tree_is_as_wished_at_once(self) -> None:
        """Before any instance has followed, and in the store too."""
        wished = self.changed(cmd="x")
        self.cluster.have(wished)
        self.assertEqual(self.cluster.state.apps[A], wished)
        self.assertEqual(self.cluster.store["apps/a"], wished)
        self.assertEqual(self.cluster.store[f"versions/a@{wished.version}"], wished)

    def test_a_change_of_nothing_is_over_at_once(self) -> None:
        """It has an id, is told as a success, and is never listed."""
        planned = self.cluster.have()
        self.assertEqual(self.cluster.lines(), ["success"])
        (told,) = self.cluster.told(DeploymentSucceeded)
        self.assertEqual(told.deployment_id, planned.deployment_id)
        self.assertEqual(self.cluster.state.deployments, {})
        self.assertNotIn(f"history/{planned.version}", self.cluster.store)

    def test_a_change_that_moves_nothing_is_kept(self) -> None:
        """A longer drain is wished at once, without a step."""
        stamp = self.cluster.stamp()
        spec = replace(self.a.spec, drain_delay_seconds=3.0)
        self.cluster.have(App(spec, stamp, V1, V1))
        self.assertEqual(self.cluster.lines(), ["success"])
        self.assertEqual(self.cluster.state.apps[A].spec.drain_delay_seconds, 3.0)

    def test_events_tell_of_each_step(self) -> None:
        """A step begins and is done, with the deployment as it is at that moment."""
        self.cluster.have(app("/new"))
        self.cluster.settle()
        self.assertEqual(self.cluster.lines(), ["step", "done", "step", "done", "success"])
        steps = [one.deployment.step for one in self.cluster.told(DeploymentInfo)]
        self.assertEqual(steps, [0, 1])
        done = [one.deployment.done for one in self.cluster.told(DeploymentStepSucceeded)]
        self.assertEqual(done, [{"/new"}, {"/new"}])

    def test_a_dry_run_changes_nothing(self) -> None:
        """The steps are told, and nothing is different."""
        self.cluster.clear()
        dry = self.cluster.dry_run(self.changed(cmd="x"))
        self.assertEqual(dry, DryRun(((Action(ActionKind.RESTART, A, 3),),)))
        self.assertEqual(self.cluster.changes, [])

    def test_a_restart_forgets_the_delay(self) -> None:
        """What had failed before starts at once again."""
        delay = Delay(A, V1, 60.0, self.cluster.now.wall + 60.0)
        self.cluster.change(DelayChanged(A, delay))
        self.cluster.have(self.changed(cmd="x"))
        self.assertEqual(self.cluster.state.delays, {})

    def test_old_versions_are_forgotten(self) -> None:
        """Three are kept here, of the app and of the tree, the newest ones."""
        kept = []
        for number in range(5):
            kept.append(self.changed(cmd=f"echo {number}").version)
            self.cluster.have(replace(self.changed(cmd=f"echo {number}"), version=kept[-1]))
            self.cluster.settle()
        self.assertEqual(list(self.cluster.state.versions[A]), kept[-3:])
        self.assertEqual(len(self.cluster.state.root_changes), 3)
        stored = [key for key in self.cluster.store if key.startswith("versions/")]
        self.assertEqual(len(stored), 3)

    def test_a_version_that_runs_is_never_forgotten(self) -> None:
        """What an instance was started from is known as long as it is there."""
        for number in range(5):
            self.cluster.have(self.changed(cmd=f"echo {number}"))
        versions = self.cluster.state.versions[A]
        self.assertIn(V1, versions)
        self.assertIn(self.cluster.state.apps[A].version, versions)


class LockTests(DeploymentTestCase):
    """An app is in one deployment at a time."""

    def test_the_second_is_refused(self) -> None:
        """With the ids of all that are in the way; nothing is changed."""
        other = self.cluster.have(app("/b"))
        planned = self.cluster.have(self.changed(cmd="x"))
        self.cluster.clear()
        answer = self.cluster.begin(self.changed(cmd="y"), app("/b", V2, instances=2))
        assert isinstance(answer, Locked)
        self.assertEqual(answer.reason, "locked")
        self.assertEqual(answer.deployments, (planned.deployment_id, other.deployment_id))
        self.assertTrue(answer.message.startswith("App is locked by one or more deployments."))
        self.assertEqual(self.cluster.changes, [])

    def test_force_cancels_the_first(self) -> None:
        """It is told as failed, its step too; the second goes on from what there is."""
        first = self.begun()
        second = self.cluster.have(self.changed(cmd="y"))
        self.assertEqual(list(self.cluster.state.deployments), [second.deployment_id])
        self.assertEqual(self.cluster.lines()[-3:], ["undone", "failed", "step"])
        (failed,) = self.cluster.told(DeploymentFailed)
        self.assertEqual(failed.deployment_id, first.deployment_id)
        self.assertIn(second.deployment_id, failed.reason)
        self.cluster.settle()
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (3, 3))

    def test_others_are_not_in_the_way(self) -> None:
        """Two deployments of different apps go side by side."""
        self.begun()
        self.assertIsInstance(self.cluster.begin(app("/b")), Planned)
        self.assertEqual(len(self.cluster.state.deployments), 2)

    def test_a_forced_change_starts_nothing_too_early(self) -> None:
        """What the cancelled deployment had not come to waits for its step in the new one."""
        self.cluster.runs = False
        db, web = app("/db"), app("/web", dependencies=("/db",))
        self.cluster.have(db, web)
        self.cluster.settle()
        self.cluster.have(app("/web", V2, config=V2, dependencies=("/db",)), app("/db", V2))
        self.cluster.settle()
        self.assertEqual(self.cluster.count("/web"), 0)

    def test_too_many_are_refused(self) -> None:
        """Two are allowed here; a change of nothing, and one instead of another, still are."""
        self.cluster.have(app("/b"))
        self.cluster.have(app("/c"))
        answer = self.cluster.begin(app("/d"))
        assert isinstance(answer, Unfit)
        self.assertEqual(answer.reason, "overload")
        self.assertIn("2 deployments", answer.message)
        self.assertIsInstance(self.cluster.begin(), Planned)
        self.assertIsInstance(self.cluster.begin(app("/b", V2), terms=FORCE), Planned)


class CancelTests(DeploymentTestCase):
    """A deployment that is not wished any more."""

    def test_of_nothing_is_refused(self) -> None:
        """As the API says it, also where a pause is asked for."""
        unknown = Unfit("unknown", "DeploymentPlan x does not exist")
        self.assertEqual(self.cancel(DeploymentId("x")), unknown)
        self.assertEqual(self.pause(DeploymentId("x")), unknown)

    def test_an_app_is_as_it_was(self) -> None:
        """The old spec has a new version; what was not replaced yet is kept running."""
        old = {one.id for one in self.cluster.of("/a")}
        first = self.begun()
        left = old & {one.id for one in self.cluster.of("/a")}
        self.assertEqual(len(left), 2)
        back = self.cancel(first.deployment_id)
        assert isinstance(back, Planned)
        reverting = self.cluster.state.deployments[back.deployment_id]
        self.assertEqual(reverting.reverts, first.deployment_id)
        self.cluster.settle()
        self.assertEqual(self.cluster.state.apps[A].spec, self.a.spec)
        self.assertGreater(self.cluster.state.apps[A].version, first.version)
        self.assertLessEqual(left, {one.id for one in self.cluster.of("/a")})
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (3, 3))

    def test_a_new_app_goes_again(self) -> None:
        """With its new groups, but not with one that has got something else meanwhile."""
        inner = GroupId("/shop/in")
        groups = {one: Group(one, V2) for one in (SHOP, inner, GroupId("/x"), GroupId("/x/y"))}
        planned = self.cluster.have(app("/shop/in/web"), groups=groups)
        other = app("/shop/other")
        self.cluster.add(other)
        self.cancel(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual(set(self.cluster.state.apps), {A, other.id})
        self.assertEqual(set(self.cluster.state.groups), {SHOP})
        self.assertEqual(self.cluster.count("/shop/in/web"), 0)

    def test_a_removed_app_comes_back(self) -> None:
        """As it was; instances that were ended meanwhile are started again."""
        planned = self.cluster.remove("/a")
        self.cluster.look()
        self.cancel(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual(self.cluster.state.apps[A].spec, self.a.spec)
        self.assertEqual(self.cluster.count("/a"), 3)

    def test_a_removed_app_does_not_come_back_into_another_s_place(self) -> None:
        """Where a group has taken its name nothing is taken back."""
        planned = self.cluster.remove("/a")
        self.cluster.add(app("/a/b"))
        self.cancel(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual(set(self.cluster.state.apps), {"/a/b"})

    def test_a_changed_group_is_as_it_was(self) -> None:
        """Its dependencies too."""
        self.cluster.have(groups={SHOP: Group(SHOP, V1, ("/x",))})
        planned = self.cluster.have(app("/b"), groups={SHOP: Group(SHOP, V2, ("/y",))})
        self.cancel(planned.deployment_id)
        self.assertEqual(self.cluster.state.groups[SHOP].dependencies, ("/x",))

    def test_a_restart_stops_where_it_is(self) -> None:
        """There is nothing to change back: new and old ones stay side by side."""
        first = self.cluster.have(self.changed(), restarted=frozenset({A}))
        self.cluster.look()
        self.cluster.launch()
        self.cluster.look()
        self.cancel(first.deployment_id)
        self.cluster.settle()
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (1, 3))
        self.assertEqual(self.cluster.state.deployments, {})

    def test_by_force_nothing_is_taken_back(self) -> None:
        """The app stays half-way, with as many instances as are wished."""
        first = self.begun()
        self.cancel(first.deployment_id, force=True)
        self.cluster.settle()
        self.assertEqual(self.cluster.lines()[-2:], ["undone", "failed"])
        self.assertEqual(self.cluster.state.apps[A].spec.cmd, "false")
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (1, 3))

    def test_a_removal_that_is_cancelled_by_force_still_removes(self) -> None:
        """The app is not wished any more; nobody would ever end what is left of it."""
        planned = self.cluster.remove("/a")
        self.cancel(planned.deployment_id, force=True)
        self.cluster.settle()
        self.assertEqual(self.cluster.state.instances, {})
        self.assertEqual(self.cluster.lines()[-1], "terminated")

    def test_what_was_taken_back_is_not_known_any_more(self) -> None:
        """Nothing of a cancelled deployment is left in the store."""
        first = self.begun()
        self.cancel(first.deployment_id)
        self.cluster.settle()
        kept = [key for key in self.cluster.store if key.startswith(("affected/", "deployments/"))]
        self.assertEqual(kept, [])


class DeadlineTests(DeploymentTestCase):
    """A deployment that is not done in time."""

    def begin(self) -> Planned:
        self.cluster.runs = False
        planned = self.cluster.begin(self.changed(cmd="x"), terms=Terms(deadline_s=60.0))
        assert isinstance(planned, Planned)
        self.cluster.settle()
        return planned

    def tick(self, seconds: float) -> None:
        self.cluster.later(seconds)
        self.cluster.run(deployments.ticked)
        self.cluster.runs = True
        self.cluster.settle()

    def test_is_taken_back(self) -> None:
        """By itself, with a reason that tells why; the way back has no deadline."""
        planned = self.begin()
        self.tick(60.0)
        self.assertEqual(self.cluster.state.apps[A].spec, self.a.spec)
        self.assertEqual(self.cluster.state.deployments, {})
        (failed,) = self.cluster.told(DeploymentFailed)
        self.assertEqual(failed.deployment_id, planned.deployment_id)
        self.assertIn("deadline", failed.reason)

    def test_is_left_alone_until_then(self) -> None:
        """Also in the next life the clock is the same."""
        planned = self.begin()
        self.cluster = self.cluster.reborn()
        self.cluster.later(59.0)
        self.cluster.run(deployments.ticked)
        self.assertIn(planned.deployment_id, self.cluster.state.deployments)
        self.tick(1.0)
        self.assertNotIn(planned.deployment_id, self.cluster.state.deployments)

    def test_a_pause_stops_the_clock(self) -> None:
        """A deployment that is paused is not late, nor at once when it goes on."""
        planned = self.begin()
        self.pause(planned.deployment_id)
        self.cluster.later(100.0)
        self.cluster.run(deployments.ticked)
        self.pause(planned.deployment_id, paused=False)
        self.cluster.later(59.0)
        self.cluster.run(deployments.ticked)
        self.assertIn(planned.deployment_id, self.cluster.state.deployments)


class PauseTests(DeploymentTestCase):
    """A roll-out that waits for somebody's word."""

    def test_nothing_more_is_replaced(self) -> None:
        """One of three is new, and stays the only one until the deployment goes on."""
        planned = self.begun()
        self.pause(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (1, 3))
        self.pause(planned.deployment_id, paused=False)
        self.cluster.settle()
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (3, 3))
        self.assertEqual(self.cluster.state.deployments, {})

    def test_what_ends_is_replaced(self) -> None:
        """By the new version, old and new ones alike; also in the next life."""
        planned = self.begun()
        self.pause(planned.deployment_id)
        self.cluster = self.cluster.reborn()
        self.cluster.end(self.cluster.of("/a")[0])
        self.cluster.settle()
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (2, 3))

    def test_a_paused_scaling_stays_where_it_is(self) -> None:
        """As many as were there, no more and no fewer."""
        stamp = self.cluster.stamp()
        spec = replace(self.a.spec, instances=9)
        planned = self.cluster.have(App(spec, stamp, stamp, V1))
        self.pause(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual(self.cluster.count("/a"), 3)
        self.cluster.end(self.cluster.of("/a")[0])
        self.cluster.settle()
        self.assertEqual(self.cluster.count("/a"), 3)
        self.pause(planned.deployment_id, paused=False)
        self.cluster.settle()
        self.assertEqual(self.cluster.count("/a"), 9)

    def test_what_made_room_is_not_missed(self) -> None:
        """If two of three were ended for new ones, these still start; then nothing more."""
        half = UpgradeStrategy(minimum_health_capacity=0.3, maximum_over_capacity=0.0)
        planned = self.cluster.have(self.changed(cmd="x", upgrade_strategy=half))
        self.cluster.look()
        self.pause(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual((self.cluster.current("/a"), self.cluster.count("/a")), (2, 3))

    def test_a_paused_removal_ends_nobody(self) -> None:
        """Until it goes on."""
        planned = self.cluster.remove("/a")
        self.pause(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual(self.cluster.count("/a"), 3)
        self.pause(planned.deployment_id, paused=False)
        self.cluster.settle()
        self.assertEqual(self.cluster.count("/a"), 0)

    def test_the_next_step_waits_too(self) -> None:
        """A deployment that is paused before its first step has not named a new app."""
        planned = self.cluster.have(app("/new"))
        self.pause(planned.deployment_id)
        self.cluster.settle()
        self.assertEqual(self.cluster.lines(), ["step"])
        self.assertEqual(self.cluster.count("/new"), 0)

    def test_pausing_twice_is_pausing_once(self) -> None:
        """The second word changes nothing."""
        planned = self.begun()
        self.pause(planned.deployment_id)
        self.cluster.clear()
        answer = self.pause(planned.deployment_id)
        self.assertEqual(answer, Planned(planned.version, planned.deployment_id))
        self.assertEqual(self.cluster.changes, [])


class HistoryTests(DeploymentTestCase):
    """What a change replaced is kept, so that older trees can be told."""

    def test_what_was_before(self) -> None:
        """Apps and groups as they were, ``None`` for those that were not there."""
        groups = {SHOP: Group(SHOP, V2)}
        wished = self.changed(cmd="x")
        planned = self.cluster.have(wished, app("/shop/web"), groups=groups)
        kept = self.cluster.state.root_changes[planned.version]
        self.assertEqual(
            {path: (one.app, one.group) for path, one in kept.items()},
            {A: (self.a, None), SHOP: (None, None), "/shop/web": (None, None)},
        )

    def test_groups_are_there_and_gone(self) -> None:
        """A change of groups alone is kept without a step."""
        self.cluster.have(groups={SHOP: Group(SHOP, V2)})
        self.assertIn(SHOP, self.cluster.state.groups)
        gone = TreeChange(version=Stamp("2030"), apps={}, groups={SHOP: None})
        self.cluster.run(deployments.begin, gone, Terms())
        self.assertNotIn(SHOP, self.cluster.state.groups)
        self.assertNotIn("groups/shop", self.cluster.store)
