"""Instances follow what is wished: created, scaled, replaced, ended, in any order of events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import converging, operators
from mesostw.core.marathon.capacity import limits_of
from mesostw.core.marathon.changes import HealthChanged, InstanceChanged, InstanceRemoved
from mesostw.core.marathon.events import DeploymentInfo
from mesostw.core.marathon.records import Condition, Health
from mesostw.core.marathon.words import InstancesKillAsked, Terms
from mesostw.core.outcome import Continue
from mesostw.model.apps import App, AppId, Group, GroupId, HealthCheck, UpgradeStrategy
from tests.core.marathon.builders import V1, app
from tests.core.marathon.cluster import Cluster, running, scaled, strategy, upgraded


class ScalingTests(SynchronousTestCase):
    """As many as are wished."""

    def test_a_new_app_starts(self) -> None:
        """It is named, then scaled, and the deployment is over when all run."""
        cluster = running(Cluster(), app(instances=3))
        self.assertEqual(cluster.count("/a"), 3)
        self.assertEqual(cluster.lines(), ["step", "done", "step", "done", "success"])
        self.assertEqual(cluster.state.deployments, {})
        self.assertEqual((cluster.state.locks, cluster.live.parts), ({}, {}))

    def test_a_deployment_waits_for_what_starts(self) -> None:
        """While an instance is staging the deployment is not over."""
        cluster = Cluster()
        cluster.runs = False
        cluster.have(app(instances=2))
        cluster.settle()
        first, second = cluster.of("/a")
        cluster.start(first)
        cluster.settle()
        self.assertEqual(len(cluster.state.deployments), 1)
        cluster.start(second)
        cluster.settle()
        self.assertEqual(cluster.state.deployments, {})

    def test_a_deployment_waits_for_health(self) -> None:
        """With a health check an instance counts when that has found it alive."""
        cluster = running(Cluster(), app(health_checks=(HealthCheck(path="/"),)))
        self.assertEqual(len(cluster.state.deployments), 1)
        (one,) = cluster.of("/a")
        cluster.change(HealthChanged(one.id, (Health(0, alive=True),)))
        cluster.live.marked[AppId("/a")] = None
        cluster.settle()
        self.assertEqual(cluster.state.deployments, {})

    def test_more_are_launched(self) -> None:
        """Scaling up starts what is missing and touches nothing else."""
        a = app(instances=2)
        cluster = running(Cluster(), a)
        before = cluster.of("/a")
        running(cluster, scaled(cluster, a, 5))
        self.assertEqual(cluster.of("/a")[:2], before)
        self.assertEqual(cluster.count("/a"), 5)

    def test_what_ailed_before_is_no_matter_of_a_deployment(self) -> None:
        """An instance that was away before does not keep a deployment from being over."""
        a = app(instances=1)
        cluster = running(Cluster(), a)
        cluster.later(10.0)
        (old,) = cluster.of("/a")
        cluster.change(InstanceChanged(replace(old, condition=Condition.UNREACHABLE)))
        running(cluster, scaled(cluster, a, 2))
        self.assertEqual(cluster.state.deployments, {})

    def test_an_instance_that_never_ran_is_a_matter_of_every_deployment(self) -> None:
        """What an earlier deployment left starting is waited for by the next."""
        a = app()
        cluster = Cluster()
        cluster.runs = False
        cluster.have(a)
        cluster.settle()
        (one,) = cluster.of("/a")
        cluster.later(10.0)
        cluster.have(scaled(cluster, a, 1))
        cluster.have(scaled(cluster, a, 2))
        cluster.runs = True
        cluster.settle()
        self.assertEqual(len(cluster.state.deployments), 1)
        cluster.start(one)
        cluster.settle()
        self.assertEqual(cluster.state.deployments, {})

    def test_the_surplus_is_ended(self) -> None:
        """Scaling down ends the youngest, and is over when they have gone."""
        a = app(instances=4)
        cluster = running(Cluster(), a)
        names = [one.id for one in cluster.of("/a")]
        cluster.have(scaled(cluster, a, 1))
        cluster.look()
        self.assertEqual(sum(one.is_doomed for one in cluster.of("/a")), 3)
        self.assertEqual(len(cluster.state.deployments), 1)
        cluster.settle()
        self.assertEqual(cluster.count("/a"), 1)
        self.assertIn(cluster.of("/a")[0].id, names)
        self.assertEqual(cluster.state.deployments, {})

    def test_a_suspended_app_has_none(self) -> None:
        """Scaled to 0 the app stays, without instances."""
        a = app(instances=2)
        cluster = running(Cluster(), a)
        running(cluster, scaled(cluster, a, 0))
        self.assertEqual(cluster.count("/a"), 0)
        self.assertIn(a.id, cluster.state.apps)

    def test_what_crashes_is_replaced(self) -> None:
        """Without a deployment too, by the present version."""
        cluster = running(Cluster(), app(instances=2))
        gone = cluster.of("/a")[0]
        cluster.end(gone)
        cluster.settle()
        self.assertEqual(cluster.count("/a"), 2)
        self.assertNotIn(gone, cluster.of("/a"))

    def test_one_that_is_away_for_good_is_replaced_and_surplus_when_it_returns(self) -> None:
        """Inactive ones do not count; when one comes back somebody goes."""
        cluster = running(Cluster(), app(instances=2))
        lost = cluster.of("/a")[0]
        cluster.change(InstanceChanged(replace(lost, condition=Condition.UNREACHABLE_INACTIVE)))
        cluster.live.marked[lost.app_id] = None
        cluster.settle()
        self.assertEqual(cluster.count("/a"), 3)
        cluster.start(lost)
        cluster.settle()
        self.assertEqual(cluster.count("/a"), 2)

    def test_a_single_instance_is_never_two(self) -> None:
        """While the only instance is ending, or away, no other starts."""
        single = app(labels={"MARATHON_SINGLE_INSTANCE_APP": "true"})
        cluster = running(Cluster(), single)
        (only,) = cluster.of("/a")
        cluster.run(
            operators.instances_kill_asked, InstancesKillAsked(Terms(), task_ids=(only.id,))
        )
        cluster.look()
        self.assertEqual(cluster.state.waiting, {})
        cluster.settle()
        (other,) = cluster.of("/a")
        self.assertNotEqual(other.id, only.id)

    def test_looking_again_does_nothing_again(self) -> None:
        """An app that is as it is wished is left alone, however often it is looked at."""
        cluster = running(Cluster(), app(instances=3))
        cluster.clear()
        cluster.live.marked[AppId("/a")] = None
        cluster.look()
        self.assertEqual(cluster.changes, [])
        self.assertEqual([one for one in cluster.effects if type(one) is not Continue], [])

    def test_what_nobody_marked_is_found_in_time(self) -> None:
        """Every app is looked at after ``scale_apps_interval``, and shortly after the start."""
        cluster = running(Cluster(), app("/a"), app("/b"))
        looks = 0
        for second in range(615):
            cluster.run(converging.ticked)
            if cluster.live.marked:
                self.assertIn(second, (15, 315))
                self.assertEqual(set(cluster.live.marked), {"/a", "/b"})
                looks += 1
            cluster.look()
            cluster.later(1.0)
        self.assertEqual(looks, 2)
        (one,) = cluster.of("/a")
        cluster.change(InstanceRemoved(one))
        cluster.run(converging.ticked)
        cluster.settle()
        self.assertEqual(cluster.count("/a"), 1)


class RestartTests(SynchronousTestCase):
    """Replacing inside the limits."""

    def test_every_strategy_keeps_its_limits(self) -> None:
        """Never fewer serve, never more are there than allowed; at the end all are new."""
        for least in (0.0, 0.3, 0.5, 1.0):
            for over in (0.0, 0.2, 0.5, 1.0):
                for count in (1, 3, 4, 10):
                    with self.subTest(least=least, over=over, count=count):
                        self.roll(count, strategy(least, over))

    def roll(self, count: int, upgrade: UpgradeStrategy) -> None:
        a = app(instances=count, upgrade_strategy=upgrade)
        cluster = running(Cluster(), a)
        limits = limits_of(count, upgrade)
        above = limits.healthy_min == limits.active_max

        def watch(world: Cluster) -> None:
            serving = [one for one in world.of("/a") if not one.is_doomed and one.started_at]
            self.assertGreaterEqual(len(serving), limits.healthy_min)
            self.assertLessEqual(world.count("/a"), limits.active_max + above)

        cluster.watch = watch
        running(cluster, upgraded(cluster, a))
        self.assertEqual((cluster.current("/a"), cluster.count("/a")), (count, count))
        self.assertEqual(cluster.state.deployments, {})

    def test_one_after_the_other(self) -> None:
        """With {1, 0} a new one is there before each old one ends."""
        a = app(instances=3, upgrade_strategy=strategy(1.0, 0.0))
        cluster = running(Cluster(), a)
        seen = []
        cluster.watch = lambda world: seen.append((world.current("/a"), world.count("/a")))
        running(cluster, upgraded(cluster, a))
        order = [one for one, before in zip(seen, [None, *seen], strict=False) if one != before]
        self.assertEqual(order, [(0, 3), (1, 4), (1, 3), (2, 4), (2, 3), (3, 4), (3, 3)])

    def test_a_new_version_that_never_gets_healthy_ends_nothing_old(self) -> None:
        """With {1, 1} all old ones go on while the new ones fail, for as long as that takes."""
        a = app(instances=2, health_checks=(HealthCheck(path="/"),))
        cluster = Cluster()
        cluster.have(a)
        cluster.settle()
        for one in cluster.of("/a"):
            cluster.change(HealthChanged(one.id, (Health(0, alive=True),)))
        cluster.settle()
        cluster.have(upgraded(cluster, a))
        cluster.settle()
        for one in cluster.of("/a")[2:]:
            cluster.end(one)
            cluster.settle()
        self.assertEqual((cluster.current("/a"), cluster.count("/a")), (2, 4))
        self.assertEqual(len(cluster.state.deployments), 1)

    def test_fewer_and_other_at_once(self) -> None:
        """Another configuration with fewer instances ends the surplus too."""
        a = app(instances=5)
        cluster = running(Cluster(), a)
        running(cluster, upgraded(cluster, a, instances=2))
        self.assertEqual((cluster.current("/a"), cluster.count("/a")), (2, 2))

    def test_old_ones_that_are_lost_are_forgotten(self) -> None:
        """An old instance that is away for good is not waited for."""
        a = app(instances=1)
        cluster = running(Cluster(), a)
        (lost,) = cluster.of("/a")
        away = replace(lost, condition=Condition.UNREACHABLE_INACTIVE, unreachable_since=1.0)
        cluster.change(InstanceChanged(away))
        running(cluster, upgraded(cluster, a))
        self.assertEqual((cluster.current("/a"), cluster.count("/a")), (1, 1))
        self.assertEqual(cluster.state.deployments, {})

    def test_unhealthy_ones_go_first(self) -> None:
        """The first that makes room is the one that does not serve, not the youngest."""
        a = app(
            instances=3,
            health_checks=(HealthCheck(path="/"),),
            upgrade_strategy=strategy(0.5, 0.0),
        )
        cluster = running(Cluster(), a)
        *well, sick = cluster.of("/a")
        cluster.change(HealthChanged(sick.id, (Health(0, alive=False),)))
        for one in well:
            cluster.change(HealthChanged(one.id, (Health(0, alive=True),)))
        cluster.live.marked[a.id] = None
        cluster.settle()
        cluster.have(upgraded(cluster, a, instances=2))
        cluster.slice()
        self.assertEqual([one.id for one in cluster.of("/a") if one.is_doomed], [sick.id])

    def test_restarted_apps_are_replaced_with_nothing_else_changed(self) -> None:
        """A restart is another configuration time of the same spec."""
        a = app(instances=2)
        cluster = running(Cluster(), a)
        stamp = cluster.stamp()
        same = App(a.spec, stamp, a.last_scaling_at, stamp)
        old = {one.id for one in cluster.of("/a")}
        cluster.have(same, restarted=frozenset({a.id}))
        cluster.settle()
        self.assertFalse(old & {one.id for one in cluster.of("/a")})


class GroupTests(SynchronousTestCase):
    """Many apps in one deployment."""

    def test_what_is_waited_for_runs_first(self) -> None:
        """A layer starts when the one below it runs."""
        cluster = Cluster()
        cluster.runs = False
        db, web = app("/shop/db"), app("/shop/web", instances=2, dependencies=("/shop/db",))
        cluster.have(db, web)
        cluster.settle()
        self.assertEqual((cluster.count("/shop/db"), cluster.count("/shop/web")), (1, 0))
        cluster.start(cluster.of("/shop/db")[0])
        cluster.settle()
        self.assertEqual(cluster.count("/shop/web"), 2)
        for one in cluster.of("/shop/web"):
            cluster.start(one)
        cluster.settle()
        self.assertEqual(cluster.lines().count("success"), 1)

    def test_what_was_there_stays_until_its_step_comes(self) -> None:
        """An old version that waits for another app's change is kept alive, and replaced later."""
        cluster = Cluster()
        db, web = app("/db"), app("/web", instances=2, dependencies=("/db",))
        running(cluster, db, web)
        cluster.runs = False
        version = cluster.state.apps[web.id].version
        cluster.have(upgraded(cluster, db), upgraded(cluster, web))
        cluster.end(cluster.of("/web")[0])
        cluster.settle()
        self.assertEqual([one.version for one in cluster.of("/web")], [version, version])
        cluster.runs = True
        for _ in range(10):
            for name in ("/db", "/web"):
                for one in cluster.of(name):
                    cluster.start(one)
            cluster.settle()
        self.assertEqual(cluster.current("/web"), 2)
        self.assertEqual(cluster.state.deployments, {})

    def test_surplus_stays_until_its_step_comes(self) -> None:
        """Fewer of an app that waits for another's change: nobody goes before that is done."""
        cluster = Cluster()
        db, web = app("/db"), app("/web", instances=3, dependencies=("/db",))
        running(cluster, db, web)
        cluster.runs = False
        cluster.have(upgraded(cluster, db), scaled(cluster, web, 1))
        returned = replace(cluster.of("/web")[0], condition=Condition.UNREACHABLE_INACTIVE)
        cluster.change(InstanceChanged(returned))
        cluster.live.marked[web.id] = None
        cluster.settle()
        cluster.start(returned)
        cluster.settle()
        self.assertEqual(cluster.count("/web"), 4)

    def test_groups_wait_for_groups(self) -> None:
        """A group's dependency holds for every app in it."""
        cluster = Cluster()
        groups = {GroupId("/web"): Group(GroupId("/web"), V1, ("/db",))}
        cluster.have(app("/web/a"), app("/web/b"), app("/db/x"), groups=groups)
        steps = next(iter(cluster.state.deployments.values())).steps
        ids = [[action.app_id for action in step] for step in steps[1:]]
        self.assertEqual(ids, [["/db/x"], ["/web/a", "/web/b"]])

    def test_a_thousand_apps(self) -> None:
        """One group with 1,000 apps is one deployment, in slices of many apps."""
        cluster = running(Cluster(), *(app(f"/g/a{number}") for number in range(1_000)))
        self.assertEqual(len(cluster.state.instances), 1_000)
        self.assertEqual(cluster.lines(), ["step", "done", "step", "done", "success"])
        self.assertLess(len(cluster.did(Continue)), 20)

    def test_many_apps_take_many_slices(self) -> None:
        """One slice looks at a few hundred apps; the others are not forgotten."""
        cluster = Cluster()
        cluster.have(*(app(f"/a{number}") for number in range(1_000)))
        slices = 0
        while cluster.slice():
            slices += 1
        self.assertGreaterEqual(slices, 4)
        self.assertEqual(len(cluster.state.waiting), 1_000)

    def test_large_apps_rest_between_looks(self) -> None:
        """An app of thousands is not looked at for every status, but once they have rested."""
        cluster = running(Cluster(), app(instances=3_000))
        cluster.later(10.0)
        cluster.clear()
        for one in cluster.of("/a")[:5]:
            cluster.end(one)
            cluster.look()
        self.assertEqual(cluster.state.waiting[AppId("/a")].count, 1)
        cluster.later(1.0)
        cluster.look()
        self.assertEqual(cluster.state.waiting[AppId("/a")].count, 5)


class LifeTests(SynchronousTestCase):
    """A deployment goes on in the next life of Marathon."""

    def test_a_restart_in_the_middle(self) -> None:
        """What is replaced already is kept; the rest is replaced inside the limits."""
        a = app(instances=4, upgrade_strategy=strategy(1.0, 0.0))
        cluster = running(Cluster(), a)
        cluster.have(upgraded(cluster, a))
        for _ in range(6):
            cluster.look()
            cluster.launch()
            cluster.look()
            cluster.ends()
            if cluster.current("/a") == 2:
                break
        fresh = {one.id for one in cluster.of("/a") if one.version != V1}
        self.assertEqual(len(fresh), 2)
        next_life = cluster.reborn()
        next_life.settle()
        self.assertEqual((next_life.current("/a"), next_life.count("/a")), (4, 4))
        self.assertLessEqual(fresh, {one.id for one in next_life.of("/a")})
        self.assertEqual(next_life.lines(), ["done", "success"])

    def test_each_step_is_begun_once(self) -> None:
        """A new life does not go back to the first step."""
        cluster = Cluster()
        cluster.runs = False
        cluster.have(app("/a"), app("/b", dependencies=("/a",)))
        cluster.settle()
        next_life = cluster.reborn()
        next_life.start(next_life.of("/a")[0])
        next_life.settle()
        self.assertEqual([one.deployment.step for one in next_life.told(DeploymentInfo)], [2])

    @settings(deadline=None)
    @given(
        least=st.sampled_from((0.0, 0.5, 1.0)),
        over=st.sampled_from((0.0, 0.5, 1.0)),
        before=st.integers(0, 5),
        after=st.integers(0, 5),
        trouble=st.lists(
            st.tuples(
                st.sampled_from(("crash", "life", "kill", "away", "force")), st.integers(0, 9)
            ),
            max_size=8,
        ),
    )
    def test_whatever_happens_all_is_as_wished_in_the_end(
        self,
        least: float,
        over: float,
        before: int,
        after: int,
        trouble: list[tuple[str, int]],
    ) -> None:
        """Crashes, lost agents, kills, forced changes and new lives: at the end it is done."""
        a = app(instances=before, upgrade_strategy=strategy(least, over))
        cluster = running(Cluster(), a)
        cluster.have(upgraded(cluster, a, instances=after))
        for what, number in trouble:
            for happens in (cluster.slice, cluster.launch, cluster.slice, cluster.ends)[:number]:
                happens()
            cluster = self.happens(cluster, what, number)
        cluster.settle()
        self.assertEqual((cluster.current("/a"), cluster.count("/a")), (after, after))
        self.assertEqual((cluster.state.deployments, cluster.state.waiting), ({}, {}))

    def happens(self, cluster: Cluster, what: str, number: int) -> Cluster:
        if what == "life":
            return cluster.reborn()
        if what == "force":
            cluster.have(upgraded(cluster, app()))
            return cluster
        if not cluster.of("/a"):
            return cluster
        one = cluster.of("/a")[number % cluster.count("/a")]
        if what == "crash":
            cluster.end(one)
        elif what == "kill":
            cluster.run(
                operators.instances_kill_asked, InstancesKillAsked(Terms(), task_ids=(one.id,))
            )
        else:
            away = replace(one, condition=Condition.UNREACHABLE_INACTIVE)
            cluster.change(InstanceChanged(away))
            cluster.live.marked[one.app_id] = None
            cluster.slice()
            kept = cluster.state.instances.get(one.id)
            if kept is not None:
                # In the end an agent comes back, or its instances are given up.
                cluster.end(kept, Condition.GONE) if number % 2 else cluster.start(kept)
        return cluster
