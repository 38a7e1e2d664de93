"""The tree of groups: reading, versions, and changing it."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import AppChanged, AppRemoved, GroupChanged, RootChangeKept
from mesostw.core.marathon.records import Action, ActionKind, RootChange
from mesostw.core.marathon.words import (
    DryRun,
    GroupAsked,
    GroupPatchAsked,
    GroupRemovalAsked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import AppId, DeploymentId, Group, GroupId
from tests.core.marathon.builders import V1, V2, V3, app, instance
from tests.http.marathon.world import MarathonWorld

PLANNED = Planned(V2, DeploymentId("d-7"))
RESULT = {"version": V2, "deploymentId": "d-7"}


class World(MarathonWorld):
    """``/shop/data/db``, ``/web`` and an empty group."""

    def __init__(self) -> None:
        super().__init__()
        db = app("/shop/data/db", V2, instances=2)
        self.add(db, app("/web"), instance(db))
        self.publish(
            GroupChanged(Group(GroupId("/shop"), V1, ("/web",))),
            GroupChanged(Group(GroupId("/empty"), V3, enforce_role=True)),
        )


def shape(group: Any) -> Any:
    """Ids of a group's groups and apps, as a tree."""
    return {
        group["id"]: (
            [one["id"] for one in group.get("apps", ())],
            [shape(one) for one in group.get("groups", ())],
        )
    }


class ReadTests(SynchronousTestCase):
    """``GET /v2/groups``."""

    def setUp(self) -> None:
        self.world = World()

    def test_root(self) -> None:
        """Without ``embed`` there are groups, apps and pods, also of groups without a record."""
        root = self.world.get("/v2/groups").json
        self.assertEqual(
            shape(root),
            {
                "/": (
                    ["/web"],
                    [
                        {"/shop": ([], [{"/shop/data": (["/shop/data/db"], [])}])},
                        {"/empty": ([], [])},
                    ],
                )
            },
        )
        self.assertEqual(root["pods"], [])
        self.assertEqual(self.world.get("/v2/groups/").json, root)

    def test_keys(self) -> None:
        """No key is ours, and ``enforceRole`` is there only where it was said."""
        shop, empty = self.world.get("/v2/groups").json["groups"]
        self.assertEqual(set(shop), {"id", "dependencies", "version", "pods", "apps", "groups"})
        self.assertEqual(shop["dependencies"], ["/web"])
        self.assertEqual(set(empty) - set(shop), {"enforceRole"})

    def test_version(self) -> None:
        """A group's version is when something in it last changed."""
        versions = {"": V3, "/shop": V2, "/shop/data": V2, "/empty": V3}
        for group, version in versions.items():
            self.assertEqual(self.world.get(f"/v2/groups{group}").json["version"], version)

    def test_embed(self) -> None:
        """Only what is asked for, as the dashboard of the original asks."""
        query = "&".join(
            f"embed={one}"
            for one in (
                "group.groups",
                "group.apps",
                "group.apps.deployments",
                "group.apps.counts",
                "group.apps.readiness",
            )
        )
        shop = self.world.get(f"/v2/groups?{query}").json["groups"][0]
        db = shop["groups"][0]["apps"][0]
        self.assertEqual((db["tasksRunning"], db["readinessCheckResults"]), (1, []))
        self.assertNotIn("pods", shop)
        self.assertNotIn("tasks", db)
        self.assertNotIn("apps", self.world.get("/v2/groups?embed=group.groups").json)

    def test_single(self) -> None:
        """One group, also if only the path of an app makes it one."""
        self.assertEqual(self.world.get("/v2/groups//shop/data").json["id"], "/shop/data")
        answer = self.world.get("/v2/groups/nope")
        self.assertEqual(
            (answer.code, answer.json), (404, {"message": "Group '/nope' does not exist"})
        )
        self.assertEqual(self.world.get("/v2/groups/web").code, 404)

    def test_apps(self) -> None:
        """Every app somewhere in a group."""
        found = self.world.get("/v2/groups/shop/apps?embed=group.apps.tasks").json
        self.assertEqual([(one["id"], len(one["tasks"])) for one in found], [("/shop/data/db", 1)])
        self.assertEqual(len(self.world.get("/v2/groups/apps").json), 2)


class VersionTests(SynchronousTestCase):
    """``GET /v2/groups/ID/versions``."""

    def setUp(self) -> None:
        self.world = World()
        before = self.world.feed.view.apps[AppId("/shop/data/db")]
        web = self.world.feed.view.apps[AppId("/web")]
        self.v4, self.v5 = "2026-01-04T00:00:00.000Z", "2026-01-05T00:00:00.000Z"
        self.world.publish(
            AppChanged(app("/shop/data/db", self.v4, instances=7)),  # type: ignore[arg-type]
            RootChangeKept(RootChange(self.v4, ((before.id, before),), ())),  # type: ignore[arg-type]
            AppRemoved(web.id),
            RootChangeKept(RootChange(self.v5, ((web.id, web),), ())),  # type: ignore[arg-type]
        )

    def test_list(self) -> None:
        """The versions at which something in the group changed, newest first, not wrapped."""
        self.assertEqual(self.world.get("/v2/groups/shop/versions").json, [self.v4])
        self.assertEqual(self.world.get("/v2/groups/versions").json, [self.v5, self.v4])
        self.assertEqual(self.world.get("/v2/groups/nope/versions").code, 404)

    def test_now(self) -> None:
        """What was removed counts as a change of the group that it was in."""
        self.assertEqual(self.world.get("/v2/groups").json["version"], self.v5)

    def test_then(self) -> None:
        """A version of a group is all of it as it was."""
        root = self.world.get(f"/v2/groups/versions/{self.v4}").json
        self.assertEqual(shape(root)["/"][0], ["/web"])
        self.assertEqual(root["version"], self.v4)
        db = root["groups"][0]["groups"][0]["apps"][0]
        self.assertEqual((db["instances"], db["version"]), (7, self.v4))

    def test_unknown(self) -> None:
        """A version that is not known is 404, and no version is 422."""
        answer = self.world.get(f"/v2/groups/shop/versions/{V1}")
        self.assertEqual(answer.code, 404)
        self.assertEqual(answer.json, {"message": f"Group '/shop' does not exist in version {V1}"})
        self.assertEqual(self.world.get("/v2/groups/versions/x").code, 422)


class ChangeTests(SynchronousTestCase):
    """``POST``, ``PUT``, ``PATCH`` and ``DELETE``."""

    def setUp(self) -> None:
        self.world = World()

    @property
    def asked(self) -> Any:
        return self.world.core.asked[-1]

    def test_create(self) -> None:
        """201 with its place; the document's id is relative to the path."""
        for path, name, group_id in (
            ("/v2/groups", "new", "/new"),
            ("/v2/groups", "/new/deep", "/new/deep"),
            ("/v2/groups//shop", "new", "/shop/new"),
            ("/v2/groups/shop/new", None, "/shop/new"),
        ):
            self.world.answering(PLANNED)
            answer = self.world.ask("POST", path, {"id": name, "apps": []})
            self.assertEqual((answer.code, answer.json), (201, RESULT))
            self.assertEqual(answer.headers["location"], f"/v2/groups{group_id}")
            self.assertEqual((self.asked.group_id, self.asked.may_exist), (group_id, False))
            self.assertEqual(self.asked.document, {"id": group_id, "apps": []})

    def test_bad_id(self) -> None:
        """An id that is none is 422 at its place, and nothing is asked."""
        for name, error in (
            (3, "error.expected.jsstring"),
            ("A", "must fully match"),
            ("../..", "above"),
        ):
            answer = self.world.ask("POST", "/v2/groups", {"id": name})
            self.assertEqual((answer.code, answer.json["details"][0]["path"]), (422, "/id"))
            self.assertIn(error, answer.json["details"][0]["errors"][0])
        self.assertEqual(self.world.core.asked, [])

    def test_replace(self) -> None:
        """``PUT`` goes to the core as it is, with ``force`` and ``dryRun``."""
        self.world.answering(PLANNED)
        answer = self.world.ask("PUT", "/v2/groups/shop?force=true", {"scaleBy": 2})
        self.assertEqual((answer.code, answer.json), (200, RESULT))
        terms = Terms(force=True, client_ip="10.0.0.9", uri="/v2/groups/shop")
        document = {"id": "/shop", "scaleBy": 2}
        self.assertEqual(self.asked, GroupAsked(GroupId("/shop"), document, terms))

    def test_dry_run(self) -> None:
        """The steps are told."""
        action = Action(ActionKind.SCALE, AppId("/shop/data/db"), 4)
        self.world.answering(DryRun(((action,),)))
        answer = self.world.ask("PUT", "/v2/groups/shop?dryRun=True", {"scaleBy": 2})
        actions = [{"action": "ScaleApplication", "app": "/shop/data/db"}]
        self.assertEqual((answer.code, answer.json), (200, {"steps": [{"actions": actions}]}))
        self.assertTrue(self.asked.dry_run)

    def test_patch(self) -> None:
        """``enforceRole`` alone, answered by nothing."""
        self.world.answering(PLANNED)
        answer = self.world.ask("PATCH", "/v2/groups/shop", {"enforceRole": True})
        self.assertEqual((answer.code, answer.body), (200, b""))
        self.assertEqual(self.asked, GroupPatchAsked(GroupId("/shop"), {"enforceRole": True}))
        self.assertEqual(self.world.ask("PATCH", "/v2/groups/nope", {}).code, 404)

    def test_delete(self) -> None:
        """Not by force, unless the client says so; the root is everything."""
        for path, group_id in (("/v2/groups/shop", "/shop"), ("/v2/groups", "/")):
            self.world.answering(PLANNED)
            answer = self.world.ask("DELETE", path)
            self.assertEqual((answer.code, answer.json), (200, RESULT))
            terms = Terms(client_ip="10.0.0.9", uri=path)
            self.assertEqual(self.asked, GroupRemovalAsked(GroupId(group_id), terms))
        self.assertEqual(self.world.ask("DELETE", "/v2/groups/nope").code, 404)

    def test_exists(self) -> None:
        """A group that is there already is 409."""
        text = "Group /shop is already created. Use PUT to change this group."
        self.world.answering(Unfit("exists", text))
        answer = self.world.ask("POST", "/v2/groups", {"id": "/shop"})
        self.assertEqual((answer.code, answer.json), (409, {"message": text}))
