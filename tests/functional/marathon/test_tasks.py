"""Tasks that are listed, and killed by hand: replaced, or not."""

from __future__ import annotations

import time

from tests.functional.clusters import wait_until
from tests.functional.marathon.cases import OnTown


class KillTests(OnTown):
    """Tasks that are killed by hand."""

    def setUp(self) -> None:
        super().setUp()
        self.document = self.app(instances=2)
        self.app_id = self.document["id"]
        self.before = [one["id"] for one in self.started(self.document)]

    def replaced(self, *killed: str) -> None:
        """Wait until others run in place of these."""

        def others() -> bool:
            ids = self.task_ids(self.app_id)
            return not ids & set(killed)

        wait_until(f"the end of {killed}", others)
        ids = {one["id"] for one in self.running(self.app_id, 2)}
        self.assertEqual(ids & set(self.before), set(self.before) - set(killed))

    def test_one(self) -> None:
        """The task is told, and another one takes its place."""
        path = f"/v2/apps{self.app_id}/tasks/{self.before[0]}"
        self.assertEqual(self.done("DELETE", path)["task"]["id"], self.before[0])
        self.replaced(self.before[0])

    def test_one_and_scale(self) -> None:
        """With scale=true none takes its place."""
        path = f"/v2/apps{self.app_id}/tasks/{self.before[0]}?scale=true"
        self.changed("DELETE", path)
        (task,) = self.running(self.app_id, 1)
        self.assertEqual(task["id"], self.before[1])
        self.assertEqual(self.shown(self.app_id)["instances"], 1)

    def test_all(self) -> None:
        """All tasks of an app."""
        told = self.done("DELETE", f"/v2/apps{self.app_id}/tasks")["tasks"]
        self.assertEqual(sorted(one["id"] for one in told), self.before)
        self.replaced(*self.before)

    def test_of_host(self) -> None:
        """Those of one host, and no others."""
        (first, second) = self.tasks(self.app_id)
        told = self.done("DELETE", f"/v2/apps{self.app_id}/tasks?host={first['host']}")["tasks"]
        wanted = {first["id"]} | ({second["id"]} if second["host"] == first["host"] else set())
        self.assertEqual({one["id"] for one in told}, wanted)
        self.replaced(*wanted)

    def test_of_no_host(self) -> None:
        """A host that has none: none is killed."""
        told = self.done("DELETE", f"/v2/apps{self.app_id}/tasks?host=nowhere")
        self.assertEqual(told, {"tasks": []})
        self.assertEqual(self.task_ids(self.app_id), set(self.before))

    def test_given(self) -> None:
        """A list of ids, of which those that are unknown are left out."""
        unknown = self.before[0].replace("instance-", "instance-0")[:-7] + "._app.1"
        told = self.done("POST", "/v2/tasks/delete", {"ids": [self.before[1], unknown]})
        self.assertEqual([one["id"] for one in told["tasks"]], [self.before[1]])
        self.replaced(self.before[1])

    def test_given_and_scale(self) -> None:
        """A list of ids with scale=true."""
        self.changed("POST", "/v2/tasks/delete?scale=true", {"ids": [self.before[1]]})
        (task,) = self.running(self.app_id, 1)
        self.assertEqual(task["id"], self.before[0])

    def test_no_id(self) -> None:
        """What is no task id is named."""
        told = self.refused(400, "POST", "/v2/tasks/delete", {"ids": ["nonsense"]})
        self.assertIn("Invalid task id 'nonsense'", told["message"])

    def test_unknown(self) -> None:
        """One task that is not there."""
        self.refused(404, "DELETE", f"/v2/apps{self.app_id}/tasks/none")

    def test_scale_and_wipe(self) -> None:
        """Both at once make no sense."""
        told = self.refused(400, "DELETE", f"/v2/apps{self.app_id}/tasks?scale=true&wipe=true")
        self.assertEqual(told["message"], "You cannot use scale and wipe at the same time.")

    def test_listed(self) -> None:
        """Tasks of the app, of the group, and of all that run."""
        for path in (
            f"/v2/apps{self.app_id}/tasks",
            f"/v2/apps{self.group}/*/tasks",
            "/v2/tasks?status=running",
        ):
            ids = [one["id"] for one in self.done("GET", path)["tasks"]]
            self.assertLessEqual(set(self.before), set(ids), path)


class GraceTests(OnTown):
    """How long a task has to end."""

    def test_stubborn(self) -> None:
        """One that does not want to end is killed when its time is over, not before."""
        words = "trap '' TERM; echo up; while :; do sleep 0.1; done"
        document = self.app(cmd=words, taskKillGracePeriodSeconds=1)
        (task,) = self.started(document)
        self.output(task)
        began = time.monotonic()
        self.changed("DELETE", f"/v2/apps{document['id']}")
        self.assertGreater(time.monotonic() - began, 0.9)

    def test_patient(self) -> None:
        """One that needs its time gets it."""
        words = "trap 'sleep 4; echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done"
        document = self.app(cmd=words, taskKillGracePeriodSeconds=30)
        (task,) = self.started(document)
        self.output(task)
        self.changed("DELETE", f"/v2/apps{document['id']}")
        self.assertEqual(self.output(task), ["up", "bye"])
