"""Which app comes before which, and the steps of a change."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import DeploymentChanged, DeploymentEnded
from mesostw.core.marathon.dependencies import cycle_of, layers
from mesostw.core.marathon.plans import Steps, steps_of
from mesostw.core.marathon.records import Action, ActionKind, Deployment, TreeChange
from mesostw.model.apps import App, AppId, DeploymentId, Group, GroupId
from tests.core.marathon.builders import V1, V2, V3, World, app

START, STOP = ActionKind.START, ActionKind.STOP
SCALE, RESTART = ActionKind.SCALE, ActionKind.RESTART


def tree(*apps: App) -> dict[AppId, App]:
    """Apps by their ids."""
    return {one.id: one for one in apps}


def groups(**dependencies: tuple[str, ...]) -> dict[GroupId, Group]:
    """Groups at the top by their names, each with what it waits for."""
    found = {GroupId(f"/{name}"): wait for name, wait in dependencies.items()}
    return {one: Group(one, V1, wait) for one, wait in found.items()}


class LayerTests(SynchronousTestCase):
    """What others wait for comes first."""

    def test_layers_are_longest_ways(self) -> None:
        """An app that waits for two comes after the later one."""
        apps = tree(
            app("/db"),
            app("/cache", dependencies=("/db",)),
            app("/web", dependencies=("/db", "/cache")),
            app("/cron"),
        )
        self.assertEqual(layers(apps, {}, apps), [["/cron", "/db"], ["/cache"], ["/web"]])

    def test_only_wanted_apps_are_told(self) -> None:
        """Layers without a wanted app vanish, but still keep the order."""
        apps = tree(app("/a"), app("/b", dependencies=("/a",)), app("/c", dependencies=("/b",)))
        self.assertEqual(layers(apps, {}, [AppId("/c"), AppId("/a")]), [["/a"], ["/c"]])

    def test_groups_stand_for_all_below_and_are_inherited(self) -> None:
        """A group that waits for a group: every app below it waits for every app below that."""
        apps = tree(app("/db/deep/one"), app("/db/two", dependencies=("/x",)), app("/x"))
        apps |= tree(app("/shop/web"), app("/shop/in/ner"))
        found = layers(apps, groups(shop=("/db",)), apps)
        self.assertEqual(
            found, [["/db/deep/one", "/x"], ["/db/two"], ["/shop/in/ner", "/shop/web"]]
        )

    def test_what_is_not_there_is_waited_for_by_nobody(self) -> None:
        """A dependency on nothing holds nothing up."""
        apps = tree(app("/a", dependencies=("/none", "/none/at/all")))
        self.assertEqual(layers(apps, {}, apps), [["/a"]])
        self.assertIsNone(cycle_of(apps, {}))

    def test_a_thousand_that_wait_for_a_thousand(self) -> None:
        """A group of a thousand apps that waits for another is no million of lines."""
        many = [f"/{top}/a{number}" for top in ("db", "shop") for number in range(1_000)]
        apps = tree(*(app(one) for one in many))
        found = layers(apps, groups(shop=("/db",)), apps)
        self.assertEqual([len(layer) for layer in found], [1_000, 1_000])

    def test_a_long_chain_is_no_deep_recursion(self) -> None:
        """Five thousand apps in a row are five thousand layers."""
        names = [f"/a{number:04d}" for number in range(5_000)]
        apps = tree(
            app(names[0]),
            *(app(one, dependencies=(before,)) for before, one in pairwise(names)),
        )
        self.assertEqual(layers(apps, {}, apps), [[one] for one in names])

    @given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
    def test_without_a_cycle_all_that_is_waited_for_is_in_a_lower_layer(
        self, lines: set[tuple[int, int]]
    ) -> None:
        """Either there is a cycle, and each app of it waits for the next, or order is kept."""
        waits = {one: tuple(f"/a{b}" for a, b in sorted(lines) if a == one) for one in range(8)}
        apps = tree(*(app(f"/a{one}", dependencies=waits[one]) for one in range(8)))
        cycle = cycle_of(apps, {})
        found = layers(apps, {}, apps)
        self.assertEqual(sorted(one for layer in found for one in layer), sorted(apps))
        if cycle is not None:
            for one, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
                self.assertIn(following, apps[AppId(one)].spec.dependencies)
            return
        depth = {one: number for number, layer in enumerate(found) for one in layer}
        for a, b in lines:
            self.assertLess(depth[AppId(f"/a{b}")], depth[AppId(f"/a{a}")])


class CycleTests(SynchronousTestCase):
    """Apps that wait for each other are found."""

    def test_of_apps(self) -> None:
        """The cycle is told without what only leads to it."""
        apps = tree(
            app("/a", dependencies=("/b",)),
            app("/b", dependencies=("/c",)),
            app("/c", dependencies=("/b",)),
        )
        self.assertEqual(cycle_of(apps, {}), ("/b", "/c"))

    def test_of_an_app_with_itself(self) -> None:
        """An app that waits for itself never starts."""
        self.assertEqual(cycle_of(tree(app("/a", dependencies=("/a",))), {}), ("/a",))

    def test_through_groups(self) -> None:
        """A group cannot wait for a group in itself."""
        apps = tree(app("/a/b/x"))
        self.assertEqual(cycle_of(apps, groups(a=("/a/b",))), ("/a/b/x",))

    def test_groups_without_apps_make_none(self) -> None:
        """Empty groups may wait for each other."""
        self.assertIsNone(cycle_of({}, groups(a=("/b",), b=("/a",))))


class StepTests(SynchronousTestCase):
    """Stop, name, then a step a layer."""

    def setUp(self) -> None:
        self.world = World()

    def steps(self, change: TreeChange) -> Steps:
        return steps_of(self.world.state, change)

    def test_order_of_steps(self) -> None:
        """What goes stops first; new apps are named, and start by their dependencies."""
        self.world.add(app("/gone"), app("/old"))
        changed = [
            app("/db", V2, instances=2),
            app("/old", V2, dependencies=("/web",)),
            app("/web", V2, instances=3, dependencies=("/db",)),
        ]
        change = TreeChange(version=V2, apps={**tree(*changed), AppId("/gone"): None})
        self.assertEqual(
            self.steps(change),
            (
                (Action(STOP, AppId("/gone")),),
                (Action(START, AppId("/db")), Action(START, AppId("/web"))),
                (Action(SCALE, AppId("/db"), 2),),
                (Action(SCALE, AppId("/web"), 3),),
                (Action(RESTART, AppId("/old"), 1),),
            ),
        )

    def test_another_number_alone_scales(self) -> None:
        """Nothing is replaced if only the number changes."""
        self.world.add(app("/a", instances=3))
        after = app("/a", V2, config=V1, instances=2)
        change = TreeChange(version=V2, apps=tree(after))
        self.assertEqual(self.steps(change), ((Action(SCALE, after.id, 2),),))

    def test_another_configuration_with_no_instances_scales(self) -> None:
        """There is nothing to replace step by step where nothing is wished."""
        self.world.add(app("/a", instances=3))
        after = app("/a", V2, instances=0)
        self.assertEqual(
            self.steps(TreeChange(version=V2, apps=tree(after))), ((Action(SCALE, after.id),),)
        )

    def test_a_restart_restarts_what_did_not_change(self) -> None:
        """An app that is to be restarted is, though its configuration stays."""
        self.world.add(app("/a", instances=2))
        after = app("/a", V2, config=V1, instances=2)
        change = TreeChange(version=V2, apps=tree(after), restarted=frozenset({after.id}))
        self.assertEqual(self.steps(change), ((Action(RESTART, after.id, 2),),))

    def test_whoever_takes_the_place_of_a_restart_finishes_it(self) -> None:
        """A forced change of the number alone leaves no app half-way between two versions."""
        before = app("/a", V2, instances=2)
        self.world.add(before)
        steps = ((Action(START, AppId("/b")),), (Action(RESTART, before.id, 2),))
        under_way = Deployment(DeploymentId("d"), V2, steps, 0.0)
        after = app("/a", V3, config=V2, instances=3)
        change = TreeChange(version=V3, apps=tree(after))
        self.world.state.apply(DeploymentChanged(under_way))
        self.assertEqual(self.steps(change), ((Action(RESTART, after.id, 3),),))
        self.world.state.apply(DeploymentEnded(under_way.id))
        self.assertEqual(self.steps(change), ((Action(SCALE, after.id, 3),),))

    def test_one_on_every_agent_is_another_number(self) -> None:
        """Turning ``"instances": "*"`` on scales, also if the number last shown is the same."""
        self.world.add(app("/a"))
        after = app("/a", V2, config=V1, every_agent=True)
        self.assertEqual(
            self.steps(TreeChange(version=V2, apps=tree(after))), ((Action(SCALE, after.id, 1),),)
        )

    def test_nothing_to_do_is_no_step(self) -> None:
        """A change of what moves no instance has no steps, nor has the removal of nothing."""
        self.world.add(app("/a"))
        after = app("/a", V2, config=V1, drain_delay_seconds=5.0)
        change = TreeChange(version=V2, apps={after.id: after, AppId("/none"): None})
        self.assertEqual(self.steps(change), ())
