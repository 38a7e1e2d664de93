"""The launch queue: who waits, why, and how long after failures."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from tests.functional.clusters import wait_until
from tests.functional.marathon.cases import HUGE_CPUS, OnTown, add_case

ENTRY_KEYS = {"app", "count", "since", "delay", "processedOffersSummary"}
SUMMARY_KEYS = {
    "processedOffersCount",
    "unusedOffersCount",
    "lastUnusedOfferAt",
    "lastUsedOfferAt",
    "rejectSummaryLastOffers",
    "rejectSummaryLaunchAttempt",
}
#: In the order in which an offer is judged.
FUNNEL = [
    "UnfulfilledRole",
    "UnfulfilledConstraint",
    "NoCorrespondingReservationFound",
    "AgentMaintenance",
    "InsufficientCpus",
    "InsufficientMemory",
    "InsufficientDisk",
    "InsufficientGpus",
    "InsufficientPorts",
    "DeclinedScarceResources",
]


class QueueCase(OnTown):
    """The test's app in the queue."""

    def entry(self, app_id: str, query: str = "") -> dict[str, Any] | None:
        """What the queue says of an app."""
        queue = self.done("GET", f"/v2/queue{query}")["queue"]
        return next((one for one in queue if one["app"]["id"] == app_id), None)


class WaitingTests(QueueCase):
    """Apps that wait for offers."""

    def test_empties(self) -> None:
        """What runs waits no more."""
        document = self.app(instances=2)
        self.started(document)
        self.assertIsNone(self.entry(document["id"]))

    def test_shape(self) -> None:
        """Exactly the keys that clients know; unused offers only when they are asked for."""
        document = self.app(cpus=HUGE_CPUS, instances=3)
        self.created(document)
        full = self.waits(document["id"], 3)
        self.assertEqual(set(full), ENTRY_KEYS | {"lastUnusedOffers"})
        self.assertLessEqual(set(full["processedOffersSummary"]), SUMMARY_KEYS)
        self.assertEqual((full["count"], full["app"]["cpus"]), (3, HUGE_CPUS))
        self.assertTrue(full["delay"]["overdue"])
        plain = self.entry(document["id"])
        assert plain is not None
        self.assertEqual(set(plain), ENTRY_KEYS)

    def test_role(self) -> None:
        """The role in which it waits is told where there is one to tell."""
        role = self.group.removeprefix("/")
        document = self.app(cpus=HUGE_CPUS, role=role)
        self.created(document)
        self.assertEqual(self.waits(document["id"])["role"], role)

    def test_unused_offers(self) -> None:
        """An unused offer tells its agent, what it had, and why it did not do."""
        document = self.app(cpus=HUGE_CPUS)
        self.created(document)
        entry = self.waits(document["id"])
        # An offer may have the rest of an agent only, such as what a task has left.
        unused = max(entry["lastUnusedOffers"], key=lambda one: len(one["offer"]["resources"]))
        self.assertEqual(set(unused), {"offer", "reason", "timestamp"})
        self.assertEqual(unused["reason"], ["InsufficientCpus"])
        offer = unused["offer"]
        self.assertEqual(set(offer), {"id", "hostname", "agentId", "resources", "attributes"})
        resources = {one["name"]: one for one in offer["resources"]}
        self.assertLessEqual({"cpus", "mem", "ports"}, set(resources))
        self.assertTrue(0 < resources["cpus"]["scalar"] <= 8)
        self.assertEqual(set(resources["ports"]["ranges"][0]), {"begin", "end"})
        attributes = {one["name"]: one for one in offer["attributes"]}
        self.assertIn(attributes["rack"]["text"], ("a", "b"))

    def test_funnel(self) -> None:
        """Every step has what the step before let through; the one that fails declines all."""
        document = self.app(mem=10**6)
        self.created(document)
        summary = self.waits(document["id"])["processedOffersSummary"]
        steps = summary["rejectSummaryLastOffers"]
        self.assertEqual([one["reason"] for one in steps], FUNNEL)
        for before, after in pairwise(steps):
            self.assertEqual(after["processed"], before["processed"] - before["declined"])
        memory = steps[FUNNEL.index("InsufficientMemory")]
        self.assertGreater(memory["processed"], 0)
        self.assertEqual(memory["declined"], memory["processed"])

    def test_scaled_to_none(self) -> None:
        """An app that is suspended waits no more."""
        document = self.app(cpus=HUGE_CPUS)
        self.created(document)
        self.waits(document["id"])
        self.changed("PUT", f"/v2/apps{document['id']}?force=true", {"instances": 0})
        self.assertIsNone(self.entry(document["id"]))

    def test_deleted(self) -> None:
        """So does one that is deleted."""
        document = self.app(cpus=HUGE_CPUS)
        self.created(document)
        self.waits(document["id"])
        self.changed("DELETE", f"/v2/apps{document['id']}")
        self.assertIsNone(self.entry(document["id"]))

    def test_partly(self) -> None:
        """What finds a place runs; the rest is counted."""
        document = self.app(instances=5, constraints=[["hostname", "UNIQUE"]])
        self.created(document)
        self.running(document["id"], 3)
        self.waits(document["id"], 2)


def _reason(fields: dict[str, Any], reason: str, tests: WaitingTests) -> None:
    document = tests.app(**fields)
    tests.created(document)
    entry = tests.waits(document["id"])
    told = {one for offer in entry["lastUnusedOffers"] for one in offer["reason"]}
    tests.assertIn(reason, told)
    tests.assertEqual(tests.tasks(document["id"]), [])


_REASONS: list[tuple[str, dict[str, Any], str]] = [
    ("cpus", {"cpus": HUGE_CPUS}, "InsufficientCpus"),
    ("memory", {"mem": 10**6}, "InsufficientMemory"),
    ("disk", {"disk": 10**6}, "InsufficientDisk"),
    ("constraint", {"constraints": [["rack", "LIKE", "z"]]}, "UnfulfilledConstraint"),
    (
        "port",
        {"requirePorts": True, "portDefinitions": [{"port": 9}]},
        "InsufficientPorts",
    ),
]
for _name, _fields, _wanted in _REASONS:
    add_case(
        WaitingTests,
        f"reason_{_name}",
        f"An app with {_fields} waits, and every offer was refused for {_wanted}.",
        partial(_reason, _fields, _wanted),
    )


class DelayTests(QueueCase):
    """Apps that fail are launched again after a delay that grows."""

    def failed(self, app_id: str, *before: str) -> dict[str, Any]:
        """Wait for a failure of a task that is none of ``before``."""

        def failure() -> dict[str, Any] | None:
            found: dict[str, Any] | None = self.shown(app_id).get("lastTaskFailure")
            return found if found and found["taskId"] not in before else None

        found: dict[str, Any] = wait_until(f"a failure of {app_id}", failure)
        return found

    def delayed(self, app_id: str) -> dict[str, Any]:
        """Wait until an app is in the queue with a delay; the delay."""

        def delay() -> dict[str, Any] | None:
            entry = self.entry(app_id)
            if entry is None or entry["delay"]["overdue"]:
                return None
            found: dict[str, Any] = entry["delay"]
            return found

        found: dict[str, Any] = wait_until(f"{app_id} to be delayed", delay)
        return found

    def test_last_failure(self) -> None:
        """The newest failure is told with its task, host, state and message."""
        document = self.app(cmd="echo broken; exit 3", backoffSeconds=300)
        self.created(document)
        failure = self.failed(document["id"])
        keys = {"appId", "host", "message", "state", "taskId", "timestamp", "version", "slaveId"}
        self.assertEqual(set(failure), keys)
        self.assertEqual((failure["appId"], failure["state"]), (document["id"], "TASK_FAILED"))
        self.assertIn("3", failure["message"])
        self.assertEqual(self.output({"id": failure["taskId"]}), ["broken"])

    def test_waits(self) -> None:
        """After a failure an app waits so long as it says."""
        document = self.app(cmd="exit 1", backoffSeconds=300)
        self.created(document)
        self.failed(document["id"])
        delay = self.delayed(document["id"])
        self.assertTrue(280 < delay["timeLeftSeconds"] <= 300, delay)
        self.assertEqual(self.tasks(document["id"]), [])

    def test_reset(self) -> None:
        """DELETE of the delay has it launched at once."""
        document = self.app(cmd="exit 1", backoffSeconds=300)
        self.created(document)
        first = self.failed(document["id"])["taskId"]
        self.delayed(document["id"])
        self.assertEqual(self.ask("DELETE", f"/v2/queue{document['id']}/delay"), (204, None))
        self.failed(document["id"], first)

    def test_reset_unknown(self) -> None:
        """One that is not in the queue has no delay to delete."""
        told = self.refused(404, "DELETE", f"/v2/queue{self.group}/none/delay")
        self.assertEqual(
            told["message"], f"Application {self.group}/none not found in tasks queue."
        )

    def test_grows(self) -> None:
        """Each failure makes it longer."""
        document = self.app(cmd="exit 1", backoffSeconds=1, backoffFactor=200)
        self.created(document)
        first = self.failed(document["id"])["taskId"]
        self.failed(document["id"], first)
        self.assertGreater(self.delayed(document["id"])["timeLeftSeconds"], 100)

    def test_at_most(self) -> None:
        """MaxLaunchDelaySeconds is its end."""
        document = self.app(
            cmd="exit 1", backoffSeconds=1, backoffFactor=10_000, maxLaunchDelaySeconds=2
        )
        self.created(document)
        failures: list[str] = []
        for _ in range(3):
            failures.append(self.failed(document["id"], *failures)["taskId"])
        self.assertLessEqual(self.delayed(document["id"])["timeLeftSeconds"], 2)

    def test_mended(self) -> None:
        """Another configuration is not delayed by the failures of the one before."""
        document = self.app(cmd="exit 1", backoffSeconds=300)
        self.created(document)
        self.failed(document["id"])
        self.delayed(document["id"])
        self.changed("PUT", f"/v2/apps{document['id']}?force=true", {"cmd": "exec sleep 3600"})
        self.running(document["id"], 1)

    def test_kill_is_no_failure(self) -> None:
        """A task that was killed is replaced without a delay."""
        document = self.app(backoffSeconds=300)
        (before,) = self.started(document)
        self.done("DELETE", f"/v2/apps{document['id']}/tasks/{before['id']}")
        wait_until("its end", lambda: before["id"] not in self.task_ids(document["id"]))
        self.running(document["id"], 1)

    def test_finished(self) -> None:
        """A command that ends well is started again, too."""
        document = self.app(cmd="exit 0", backoffSeconds=1)
        self.created(document)
        events = self.listen("status_update_event")

        def ends() -> bool:
            found = {
                one["taskId"]
                for one in events.of("status_update_event")
                if (one["appId"], one["taskStatus"]) == (document["id"], "TASK_FINISHED")
            }
            return len(found) >= 2

        wait_until("two ends", ends)
