"""The tree as it was: versions of apps and groups back in time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import history, tree
from mesostw.core.marathon.asked import asked
from mesostw.core.marathon.flags import MarathonFlags
from mesostw.core.marathon.tree import NEVER, GroupNode
from mesostw.core.marathon.words import AppRemovalAsked, GroupRemovalAsked, Planned
from mesostw.model.apps import AppId, GroupId, Stamp
from tests.core.marathon.asking import FORCED, ask_apps, ask_group
from tests.core.marathon.builders import World

ROOT, G = GroupId("/"), GroupId("/g")


def shape(node: GroupNode | None) -> object:
    """The names in a tree, groups within groups."""
    if node is None:
        return None
    names: dict[str, object] = {app.id: app.spec.instances for app in node.apps}
    for group in node.groups:
        names[group.id] = shape(group)
    return names


def change(world: World, app_id: str, instances: int) -> Stamp:
    """Have so many instances of an app, and tell the version."""
    world.later(1)
    answer = ask_apps(world, {"id": app_id, "cmd": "true", "instances": instances})
    assert isinstance(answer, Planned)
    return answer.version


class TreeTests(SynchronousTestCase):
    """The tree as it is."""

    def test_nested(self) -> None:
        """Groups hold their apps and groups, sorted, also those that only apps have made."""
        world = World()
        for app_id in ("/b", "/g/h/i/a", "/g/b", "/a", "/g/h/b"):
            change(world, app_id, 1)
        ask_group(world, "/e/f", {})
        node = tree.group_now(world.state, ROOT)
        self.assertEqual(
            shape(node),
            {
                "/a": 1,
                "/b": 1,
                "/e": {"/e/f": {}},
                "/g": {"/g/b": 1, "/g/h": {"/g/h/b": 1, "/g/h/i": {"/g/h/i/a": 1}}},
            },
        )
        self.assertEqual(tree.groups_below(world.state, G), ("/g/h", "/g/h/i"))

    def test_not_there(self) -> None:
        """A group that is not there has no tree, and an app is no group; the root always is."""
        world = World()
        self.assertIsNone(tree.group_now(world.state, G))
        change(world, "/g", 1)
        self.assertIsNone(tree.group_now(world.state, G))
        self.assertIsNone(tree.group_now(world.state, GroupId("/gg")))
        self.assertEqual(tree.group_now(World().state, ROOT), GroupNode(ROOT, NEVER, (), ()))

    def test_version(self) -> None:
        """A group's version is that of the newest change inside, named or not."""
        world = World()
        change(world, "/g/a", 1)
        newest = change(world, "/g/h/b", 1)
        last = change(world, "/x", 1)
        nodes = [tree.group_now(world.state, group) for group in (G, GroupId("/g/h"), ROOT)]
        self.assertEqual([node and node.version for node in nodes], [newest, newest, last])


class HistoryTests(SynchronousTestCase):
    """The tree as it was."""

    def test_apps(self) -> None:
        """An app tells its versions, the newest first, and what it was at each."""
        world = World()
        first, second = change(world, "/a", 1), change(world, "/a", 2)
        app_id = AppId("/a")
        self.assertEqual(history.app_versions(world.state, app_id), (second, first))
        found = history.app_at(world.state, app_id, first)
        self.assertEqual(found and found.spec.instances, 1)
        self.assertIsNone(history.app_at(world.state, app_id, NEVER))
        self.assertEqual(history.app_versions(world.state, AppId("/b")), ())

    def test_groups(self) -> None:
        """A group tells the versions at which something in it changed, and only those."""
        world = World()
        first = change(world, "/g/a", 1)
        other = change(world, "/x", 1)
        second = change(world, "/g/h/b", 2)
        self.assertEqual(history.group_versions(world.state, G), (second, first))
        self.assertEqual(history.group_versions(world.state, ROOT), (second, other, first))
        self.assertEqual(shape(history.group_at(world.state, G, first)), {"/g/a": 1})
        self.assertEqual(
            shape(history.group_at(world.state, ROOT, other)), {"/g": {"/g/a": 1}, "/x": 1}
        )
        self.assertIsNone(history.group_at(world.state, GroupId("/x"), first))
        self.assertIsNone(history.group_at(world.state, G, NEVER))

    def test_removed(self) -> None:
        """What was removed is there at the versions before; the groups of its path stay."""
        world = World()
        first = change(world, "/g/a", 1)
        world.later(1)
        world.run(asked, AppRemovalAsked(AppId("/g/a"), FORCED))
        self.assertEqual(shape(tree.group_now(world.state, G)), {})
        self.assertEqual(shape(history.group_at(world.state, G, first)), {"/g/a": 1})

    def test_forgotten(self) -> None:
        """Versions over the limit are forgotten; the oldest that can be told stands for them."""
        world = World(MarathonFlags(zk_max_versions=2))
        versions = [change(world, "/g/a", count) for count in range(5)]
        self.assertEqual(history.group_versions(world.state, G), tuple(versions[:1:-1]))
        self.assertEqual(shape(history.group_at(world.state, G, versions[2])), {"/g/a": 2})
        self.assertIsNone(history.group_at(world.state, G, versions[1]))

    def test_another_life(self) -> None:
        """What was kept tells the same history."""
        world = World()
        change(world, "/g/a", 1)
        change(world, "/x", 1)
        change(world, "/g/a", 2)
        again = world.restarted()
        for version in history.group_versions(world.state, ROOT):
            self.assertEqual(
                history.tree_at(again.state, version), history.tree_at(world.state, version)
            )

    def test_stamps(self) -> None:
        """A version may be written as any time of ISO 8601, and is told as ours."""
        rows = {
            "2026-01-02T03:04:05.678Z": "2026-01-02T03:04:05.678Z",
            "2026-01-02T03:04:05Z": "2026-01-02T03:04:05.000Z",
            "2026-01-02T05:04:05.678+02:00": "2026-01-02T03:04:05.678Z",
            "2026-01-02T03:04:05.678": "2026-01-02T03:04:05.678Z",
        }
        for text, expected in rows.items():
            self.assertEqual(history.stamp_from(text), expected)
        for text in ("", "now", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
            self.assertIsNone(history.stamp_from(text), text)

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["app", "group", "remove"]),
                st.sampled_from(["/a", "/g/a", "/g/b", "/g/h/a", "/i/a"]),
                st.integers(0, 3),
            ),
            max_size=12,
        )
    )
    def test_every_version_is_what_it_was(self, steps: list[tuple[str, str, int]]) -> None:
        """Whatever is asked, every version tells the tree that was there then."""
        world = World()
        seen: dict[Stamp, GroupNode | None] = {}
        for kind, path, count in steps:
            world.later(1)
            if kind == "app":
                ask_apps(world, {"id": path, "cmd": "true", "instances": count})
            elif kind == "group":
                parent, _, name = path.rpartition("/")
                apps = [{"id": name, "cmd": "true", "instances": count}] if count else []
                ask_group(world, parent or "/", {"apps": apps})
            else:
                world.run(asked, GroupRemovalAsked(GroupId(path.rpartition("/")[0] or "/"), FORCED))
            now = tree.group_now(world.state, ROOT)
            if now is not None and now.version != NEVER:
                seen[now.version] = now
        for version, node in seen.items():
            self.assertEqual(history.group_at(world.state, ROOT, version), node)
        self.assertEqual(set(history.group_versions(world.state, ROOT)), set(seen))
