"""Groups: trees of apps that are created, replaced, ordered, scaled, rolled back and deleted."""

from __future__ import annotations

from typing import Any

from tests.functional.marathon.cases import HUGE_CPUS, OnTown


class GroupCase(OnTown):
    """A group with apps below it."""

    @property
    def path(self) -> str:
        """The group at the API."""
        return f"/v2/groups{self.group}"

    def small(self, name: str, **fields: object) -> dict[str, Any]:
        """An app by a name that is relative to its group."""
        return {**self.app(), **fields, "id": name}

    def group_of(self, *apps: dict[str, Any], **fields: object) -> dict[str, Any]:
        """The test's group with these apps."""
        return {"id": self.group, "apps": list(apps), **fields}

    def app_ids(self) -> list[str]:
        """All apps below the group, relative to it."""
        apps = self.done("GET", f"/v2/apps{self.group}/*")["*"]
        return sorted(one["id"].removeprefix(f"{self.group}/") for one in apps)

    def steps(self, document: object) -> list[list[tuple[str, str]]]:
        """Action and app of each step that a change of the group would have."""
        told = self.done("PUT", f"{self.path}?dryRun=true", document)
        return [
            sorted(
                (one["action"], one["app"].removeprefix(f"{self.group}/"))
                for one in step["actions"]
            )
            for step in told["steps"]
        ]


class CreateTests(GroupCase):
    """POST and implicit groups."""

    def test_nested(self) -> None:
        """Groups in groups with relative ids: all apps run, and the tree is read back."""
        document = self.group_of(
            self.small("front", instances=2),
            groups=[{"id": "back", "apps": [self.small("db")], "groups": [{"id": "empty"}]}],
        )
        result = self.done("POST", "/v2/groups", document)
        self.assertEqual(self.marathon.headers["location"], self.path)
        self.deployed(result["deploymentId"])
        self.running(f"{self.group}/front", 2)
        self.running(f"{self.group}/back/db", 1)
        shown = self.done("GET", self.path)
        self.assertEqual([one["id"] for one in shown["apps"]], [f"{self.group}/front"])
        (back,) = shown["groups"]
        self.assertEqual([one["id"] for one in back["apps"]], [f"{self.group}/back/db"])
        self.assertEqual([one["id"] for one in back["groups"]], [f"{self.group}/back/empty"])
        self.assertEqual(shown["version"], result["version"])

    def test_strict_keys(self) -> None:
        """No key that clients do not know."""
        self.changed("POST", "/v2/groups", self.group_of(self.small("a", instances=0)))
        keys = {"id", "apps", "groups", "pods", "dependencies", "version", "enforceRole"}
        self.assertLessEqual(set(self.done("GET", self.path)), keys)

    def test_exists(self) -> None:
        """A group that is there is not created again."""
        self.changed("POST", "/v2/groups", self.group_of())
        told = self.refused(409, "POST", "/v2/groups", self.group_of())
        wanted = f"Group {self.group} is already created. Use PUT to change this group."
        self.assertEqual(told, {"message": wanted})

    def test_app_of_that_id(self) -> None:
        """An app and a group may not have the same id."""
        self.started(self.app(instances=0))
        told = self.refused(409, "POST", "/v2/groups", {"id": f"{self.group}/app"})
        wanted = f"An app with the path {self.group}/app already exists."
        self.assertEqual(told, {"message": wanted})

    def test_implicit(self) -> None:
        """The groups of an app's path come with it, and stay when it goes."""
        self.started(self.app("x/y/app", instances=0))
        (group,) = self.done("GET", self.path)["groups"]
        self.assertEqual(group["id"], f"{self.group}/x")
        self.changed("DELETE", f"/v2/apps{self.group}/x/y/app")
        found = self.done("GET", f"/v2/groups{self.group}/x/y")
        self.assertEqual((found["id"], found["apps"]), (f"{self.group}/x/y", []))

    def test_foreign_app(self) -> None:
        """An app whose absolute id is not below its group is refused at its place."""
        document = self.group_of(self.small("/elsewhere/app", instances=0))
        told = self.refused(422, "POST", "/v2/groups", document)
        paths = [one["path"] for one in told["details"]]
        self.assertTrue(any(one.startswith("/apps(0)") for one in paths), told)

    def test_broken_app(self) -> None:
        """What is wrong with an app is told by its place; nothing is created."""
        document = self.group_of(
            self.small("good", instances=0),
            self.small("bad", instances=0, constraints=[["a", "NEAR"]]),
        )
        told = self.refused(422, "POST", "/v2/groups", document)
        self.assertIn("/apps(1)/constraints(0)", [one["path"] for one in told["details"]])
        self.refused(404, "GET", self.path)

    def test_unknown(self) -> None:
        """A group that is not there."""
        told = self.refused(404, "GET", self.path)
        self.assertEqual(told, {"message": f"Group '{self.group}' does not exist"})


class DependencyTests(GroupCase):
    """Who has to be there before whom."""

    def test_order(self) -> None:
        """An app starts when what it needs runs, through several layers."""
        document = self.group_of(
            self.small("web", dependencies=["service"]),
            self.small("service", dependencies=["db"]),
            self.small("db"),
        )
        self.changed("POST", "/v2/groups", document)
        (web,), (service,), (db,) = (
            self.tasks(f"{self.group}/{name}") for name in ("web", "service", "db")
        )
        self.assertLess(db["startedAt"], service["stagedAt"])
        self.assertLess(service["startedAt"], web["stagedAt"])

    def test_of_groups(self) -> None:
        """A dependency of a group is one of all apps in it, on all apps of the other."""
        document = self.group_of(
            groups=[
                {"id": "a", "dependencies": [f"{self.group}/b"], "apps": [self.small("one")]},
                {"id": "b", "apps": [self.small("two"), self.small("three")]},
            ]
        )
        self.assertEqual(
            self.steps(document)[-2:],
            [
                [("ScaleApplication", "b/three"), ("ScaleApplication", "b/two")],
                [("ScaleApplication", "a/one")],
            ],
        )

    def test_waits_for_health(self) -> None:
        """As long as one is not healthy, what needs it is not started."""
        never = {"protocol": "COMMAND", "command": {"value": "false"}, "gracePeriodSeconds": 300}
        document = self.group_of(
            self.small("web", dependencies=["db"]), self.small("db", healthChecks=[never])
        )
        result = self.done("POST", "/v2/groups", document)
        self.running(f"{self.group}/db", 1)
        deployment = self.deployments()[result["deploymentId"]]
        self.assertEqual([one["app"] for one in deployment["currentActions"]], [f"{self.group}/db"])
        self.assertEqual(self.tasks(f"{self.group}/web"), [])

    def test_cycle(self) -> None:
        """Apps that need each other are refused."""
        document = self.group_of(
            self.small("a", dependencies=["b"]), self.small("b", dependencies=["a"])
        )
        told = self.refused(422, "POST", "/v2/groups", document)
        self.assertIn("cyclic dependencies", str(told["details"]))
        self.refused(404, "GET", self.path)


class ReplaceTests(GroupCase):
    """PUT of a group."""

    def test_creates(self) -> None:
        """What is not there is created."""
        self.changed("PUT", self.path, {"apps": [self.small("a")]})
        self.running(f"{self.group}/a", 1)

    def test_full_replacement(self) -> None:
        """Apps that the document leaves out go; those that are unchanged keep version and task."""
        first = self.group_of(self.small("keep"), self.small("drop"))
        self.changed("POST", "/v2/groups", first)
        kept = self.tasks(f"{self.group}/keep")
        second = self.group_of(self.small("keep"), self.small("new"))
        self.assertEqual(
            self.steps(second),
            [
                [("StopApplication", "drop")],
                [("StartApplication", "new")],
                [("ScaleApplication", "new")],
            ],
        )
        self.changed("PUT", self.path, second)
        self.assertEqual(self.app_ids(), ["keep", "new"])
        self.assertEqual(self.tasks(f"{self.group}/keep"), kept)
        self.running(f"{self.group}/new", 1)

    def test_dry_run(self) -> None:
        """A dry run tells the steps and changes nothing."""
        self.changed("POST", "/v2/groups", self.group_of(self.small("a", instances=0)))
        steps = self.steps(self.group_of(self.small("a", instances=2, env={"A": "1"})))
        self.assertEqual(steps, [[("RestartApplication", "a")]])
        self.assertEqual(self.shown(f"{self.group}/a")["instances"], 0)

    def test_scale_by(self) -> None:
        """All apps below times the factor, rounded up."""
        deep = {"id": "deep", "apps": [self.small("b")]}
        document = self.group_of(self.small("a", instances=3), groups=[deep])
        self.changed("POST", "/v2/groups", document)
        self.changed("PUT", self.path, {"scaleBy": 1.5})
        self.running(f"{self.group}/a", 5)
        self.running(f"{self.group}/deep/b", 2)

    def test_roll_back(self) -> None:
        """PUT of a version brings the whole tree back as it was then."""
        self.changed("POST", "/v2/groups", self.group_of(self.small("a"), self.small("b")))
        first = self.done("GET", self.path)["version"]
        self.changed("PUT", self.path, self.group_of(self.small("b", mem=9), self.small("c")))
        self.assertEqual(self.app_ids(), ["b", "c"])
        self.changed("PUT", self.path, {"version": first})
        self.assertEqual(self.app_ids(), ["a", "b"])
        self.assertEqual(self.shown(f"{self.group}/b")["mem"], 8)
        self.running(f"{self.group}/a", 1)
        self.running(f"{self.group}/b", 1)

    def test_versions(self) -> None:
        """Old trees are listed and can be read."""
        self.changed("POST", "/v2/groups", self.group_of(self.small("a", instances=0)))
        first = self.done("GET", self.path)["version"]
        self.changed("PUT", self.path, self.group_of(self.small("b", instances=0)))
        second = self.done("GET", self.path)["version"]
        self.assertLessEqual({first, second}, set(self.done("GET", f"{self.path}/versions")))
        old = self.done("GET", f"{self.path}/versions/{first}")
        self.assertEqual([one["id"] for one in old["apps"]], [f"{self.group}/a"])

    def test_locked(self) -> None:
        """A deployment of one app below is in the way of the whole group."""
        self.changed("POST", "/v2/groups", self.group_of(self.small("a")))
        stuck = self.done("PUT", f"/v2/apps{self.group}/a", {"cpus": HUGE_CPUS})["deploymentId"]
        document = self.group_of(self.small("a", mem=9))
        told = self.refused(409, "PUT", self.path, document)
        self.assertEqual(told["deployments"], [{"id": stuck}])
        self.changed("PUT", f"{self.path}?force=true", document)
        self.running(f"{self.group}/a", 1)


class DeleteTests(GroupCase):
    """DELETE of a group."""

    def test_all_below(self) -> None:
        """All apps below end, and the group is gone."""
        deep = {"id": "deep", "apps": [self.small("b")]}
        self.changed("POST", "/v2/groups", self.group_of(self.small("a"), groups=[deep]))
        events = self.listen("app_terminated_event")
        self.changed("DELETE", self.path)
        for name in ("a", "deep/b"):
            events.wait("app_terminated_event", appId=f"{self.group}/{name}")
        self.refused(404, "GET", self.path)
        self.refused(404, "GET", f"/v2/apps{self.group}/a")

    def test_empty(self) -> None:
        """An empty group stays until it is deleted."""
        self.changed("POST", "/v2/groups", self.group_of())
        self.assertEqual(self.done("GET", self.path)["apps"], [])
        self.changed("DELETE", self.path)
        self.refused(404, "GET", self.path)

    def test_locked(self) -> None:
        """Unlike an app, a group under way is deleted only with force."""
        self.changed("POST", "/v2/groups", self.group_of(self.small("a")))
        stuck = self.done("PUT", f"/v2/apps{self.group}/a", {"cpus": HUGE_CPUS})["deploymentId"]
        told = self.refused(409, "DELETE", self.path)
        self.assertEqual(told["deployments"], [{"id": stuck}])
        self.changed("DELETE", f"{self.path}?force=true")
        self.refused(404, "GET", self.path)

    def test_unknown(self) -> None:
        """A group that is not there cannot be deleted."""
        self.refused(404, "DELETE", self.path)

    def test_rolled_back(self) -> None:
        """A cancelled creation takes its apps away again."""
        document = self.group_of(self.small("a", cpus=HUGE_CPUS), self.small("b"))
        result = self.done("POST", "/v2/groups", document)
        self.running(f"{self.group}/b", 1)
        self.changed("DELETE", f"/v2/deployments/{result['deploymentId']}")
        self.assertEqual(self.ask("GET", f"/v2/apps{self.group}/a").status, 404)
        self.assertEqual(self.ask("GET", f"/v2/apps{self.group}/b").status, 404)
