"""The tree of groups: reading, versions, and changing it."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.changes import GroupChanged
from mesostw.core.marathon.records import Action, ActionKind
from mesostw.core.marathon.words import (
    DryRun,
    GroupAsked,
    GroupPatchAsked,
    GroupRemovalAsked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.model.apps import ROOT, AppId, DeploymentId, Group, GroupId
from tests.core.marathon.builders import V2, V3, app, instance
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
            GroupChanged(Group(ROOT, V3)),
            GroupChanged(Group(GroupId("/shop"), V2, ("/web",))),
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
                        {"/empty": ([], [])},
                        {"/shop": ([], [{"/shop/data": (["/shop/data/db"], [])}])},
                    ],
                )
            },
        )
        self.assertEqual(root["pods"], [])
        self.assertEqual(self.world.get("/v2/groups/").json, root)

    def test_keys(self) -> None:
        """No key is ours, and ``enforceRole`` is there only where it was said."""
        empty, shop = self.world.get("/v2/groups").json["groups"]
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
        shop = self.world.get(f"/v2/groups?{query}").json["groups"][1]
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
            self.assertEqual(self.asked.may_exist, False)
            self.assertEqual(self.asked.document, {"id": name, "apps": []})

    def test_back_by_path(self) -> None:
        """A client that puts nothing to a version of a group goes back to it."""
        self.world.answering(PLANNED)
        answer = self.world.ask("PUT", f"/v2/groups/shop/versions/{V2}?force=true")
        self.assertEqual((answer.code, answer.json), (200, RESULT))
        self.assertEqual(self.asked.group_id, GroupId("/shop"))
        self.assertEqual(self.asked.document, {"version": V2})

    def test_replace(self) -> None:
        """``PUT`` goes to the core as it is, with ``force`` and ``dryRun``."""
        self.world.answering(PLANNED)
        answer = self.world.ask("PUT", "/v2/groups/shop?force=true", {"scaleBy": 2})
        self.assertEqual((answer.code, answer.json), (200, RESULT))
        terms = Terms(force=True, client_ip="10.0.0.9", uri="/v2/groups/shop")
        document = {"scaleBy": 2}
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
