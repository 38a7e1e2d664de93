"""
Every call of the PyPI package ``marathon``, unmodified, against a Marathon at ``HOST:PORT``.

Prints one JSON object: what each call gave, in the words of the client's own objects.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from marathon import MarathonClient
from marathon.exceptions import ConflictError, MarathonHttpError, NotFoundError
from marathon.models import MarathonApp, MarathonGroup, MarathonHealthCheck
from marathon.models.constraint import MarathonConstraint

told: dict[str, Any] = {}
PATIENCE_S = 60.0


def wait(what: str, met: Any) -> Any:
    """The first true answer."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        answer = met()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited for {what}")


def listen(client: MarathonClient, kinds: set[str]) -> None:
    """Collect the types of events that come."""
    for event in client.event_stream():
        kinds.add(event.event_type)


class Calls:
    """Every call, in an order in which each has something to do."""

    def __init__(self, client: MarathonClient) -> None:
        self.client = client

    def calm(self) -> bool:
        """Whether no deployment is under way."""
        return not self.client.list_deployments()

    def are_new(self, *ended: str) -> bool:
        """Whether two tasks are there and none of those that were ended."""
        there = [one.id for one in self.client.list_tasks("/py/web")]
        return len(there) == 2 and not set(there) & set(ended)

    def system(self) -> None:
        """What Marathon says of itself."""
        told["ping"] = self.client.ping().decode()
        info = self.client.get_info()
        told["info"] = [info.name, bool(info.framework_id), info.elected]
        told["leader"] = self.client.get_leader()["leader"]
        told["metrics"] = sorted(self.client.get_metrics())[:1]

    def create(self) -> None:
        """An app with a check, a constraint and a label."""
        web = MarathonApp(
            cmd="exec sleep 1000",
            cpus=0.1,
            mem=16,
            instances=2,
            labels={"tier": "web"},
            constraints=[MarathonConstraint(field="hostname", operator="LIKE", value=".*")],
            health_checks=[
                MarathonHealthCheck(
                    protocol="COMMAND",
                    command={"value": "true"},
                    interval_seconds=1,
                    grace_period_seconds=5,
                )
            ],
        )
        created = self.client.create_app("/py/web", web)
        told["created"] = [created.id, created.instances, len(created.deployments)]

    def look(self) -> None:
        """The app, its tasks, and lists of both."""
        wait("the first deployment", self.calm)
        app = wait(
            "healthy tasks",
            lambda: (one := self.client.get_app("/py/web")).tasks_healthy == 2 and one,
        )
        told["app"] = [app.id, app.tasks_running, app.tasks_healthy, app.constraints[0].operator]
        told["version_info"] = bool(app.version_info.last_config_change_at)
        told["listed"] = [
            one.id
            for one in self.client.list_apps(
                embed_tasks=True,
                embed_counts=True,
                embed_deployments=True,
                embed_readiness=True,
                embed_last_task_failure=True,
                embed_failures=True,
                embed_task_stats=True,
                app_id="web",
                label="tier==web",
            )
        ]
        told["tasks"] = sorted({one.app_id for one in self.client.list_tasks()})
        told["app_tasks"] = len(self.client.list_tasks("/py/web"))
        told["endpoints"] = len(self.client.list_endpoints())

    def change(self) -> None:
        """Updates, versions, roll-back, scaling, restart."""
        changed = self.client.update_app("/py/web", MarathonApp(mem=17))
        told["updated"] = sorted(changed)
        wait("the update", self.calm)
        versions = self.client.list_versions("/py/web")
        told["versions"] = len(versions)
        told["old_mem"] = self.client.get_version("/py/web", versions[-1]).mem
        self.client.rollback_app("/py/web", versions[-1])
        wait("the rollback", self.calm)
        told["rolled_back"] = self.client.get_app("/py/web").mem
        self.client.scale_app("/py/web", instances=3)
        wait("scaling", self.calm)
        self.client.scale_app("/py/web", delta=-1)
        wait("scaling", self.calm)
        told["scaled"] = self.client.get_app("/py/web").instances
        self.client.restart_app("/py/web")
        wait("the restart", self.calm)
        self.client.update_apps([MarathonApp(id="/py/web", mem=18)])
        wait("the update of several", self.calm)
        told["updated_several"] = self.client.get_app("/py/web").mem

    def kill(self) -> None:
        """One task, named ones, all of them, and one with its place."""
        [first, second] = wait(
            "two tasks", lambda: (t := self.client.list_tasks("/py/web"))[1:] and t[:2]
        )
        told["killed"] = self.client.kill_task("/py/web", first.id).id == first.id
        told["killed_given"] = self.client.kill_given_tasks([second.id])
        wait("replacements", lambda: self.are_new(first.id, second.id))
        ended = self.client.kill_tasks("/py/web")
        told["killed_all"] = len(ended)
        wait("replacements", lambda: self.are_new(*(one.id for one in ended)))
        [first, *_] = self.client.list_tasks("/py/web")
        told["kill_and_scale"] = sorted(self.client.kill_task("/py/web", first.id, scale=True))
        wait("the smaller app", self.calm)
        told["smaller"] = self.client.get_app("/py/web").instances

    def group(self) -> None:
        """A group from its creation to its end."""
        group = MarathonGroup(
            id="/pygroup",
            apps=[MarathonApp(id="a", cmd="sleep 1000", cpus=0.1, mem=16)],
            groups=[MarathonGroup(id="deep", apps=[MarathonApp(id="b", cmd="sleep 9", cpus=0.1)])],
        )
        told["group_created"] = sorted(self.client.create_group(group))
        wait("the group", self.calm)
        got = self.client.get_group("pygroup")
        told["group"] = [got.id, [one.id for one in got.apps], [one.id for one in got.groups]]
        told["groups"] = sorted(one.id for one in self.client.list_groups())
        self.client.scale_group("pygroup", 2)
        wait("the scaled group", self.calm)
        told["scaled_group"] = self.client.get_app("/pygroup/a").instances
        changed = MarathonGroup(id="/pygroup", apps=[MarathonApp(id="a", cmd="sleep 8", cpus=0.1)])
        self.client.update_group("pygroup", changed, force=True)
        wait("the changed group", self.calm)
        told["left_out_stays"] = [one.id for one in self.client.get_group("pygroup").groups]
        self.client.rollback_group("pygroup", got.version, force=True)
        wait("the group of before", self.calm)
        told["group_back"] = self.client.get_app("/pygroup/a").cmd
        self.client.delete_group("pygroup", force=True)
        wait("the end of the group", self.calm)

    def wait_in_vain(self) -> None:
        """What waits: the queue, a lock, a deployment taken back and one stopped."""
        huge = MarathonApp(cmd="true", cpus=1000, mem=16, instances=1)
        self.client.create_app("/py/huge", huge)
        item = wait("the queue", lambda: self.client.list_queue(embed_last_unused_offers=True))[0]
        told["queue"] = [item.app.id, item.count, bool(item.delay)]
        try:
            self.client.update_app("/py/huge", MarathonApp(mem=20))
        except ConflictError as fault:
            told["locked"] = [fault.status_code, "force=true" in fault.error_message]
        [deployment] = self.client.list_deployments()
        told["deployment"] = [deployment.affected_apps, deployment.current_step]
        told["cancelled"] = sorted(self.client.delete_deployment(deployment.id))
        wait("the way back", self.calm)
        self.client.create_app("/py/huge", huge)
        [deployment] = self.client.list_deployments()
        told["stopped"] = self.client.delete_deployment(deployment.id, force=True)
        wait("its end", self.calm)
        self.client.delete_app("/py/huge")

    def crash(self) -> None:
        """Back-off, its reset, and how a task failed."""
        crashing = MarathonApp(cmd="exit 3", cpus=0.1, mem=16, backoff_seconds=300)
        self.client.create_app("/py/crash", crashing)
        wait("a back-off", lambda: any(not one.delay.overdue for one in self.client.list_queue()))
        self.client.reset_delay("py/crash")
        failed = self.client.get_app("/py/crash").last_task_failure
        told["failure"] = [failed.state, failed.app_id]
        self.client.delete_app("/py/crash", force=True)

    def errors(self) -> None:
        """What is refused, and how."""
        for name, call in (
            ("unknown", lambda: self.client.get_app("/no/such")),
            ("subscriptions", self.client.list_event_subscriptions),
            ("subscribe", lambda: self.client.create_event_subscription("http://x/")),
            ("unsubscribe", lambda: self.client.delete_event_subscription("http://x/")),
            ("invalid", lambda: self.client.create_app("/py/bad", MarathonApp(cmd="x", cpus=-1))),
        ):
            try:
                call()
            except NotFoundError as fault:
                told[name] = [404, bool(fault.error_message)]
            except MarathonHttpError as fault:
                told[name] = [fault.status_code, bool(fault.error_message)]

    def end(self) -> None:
        """The end of the app."""
        told["deleted"] = sorted(self.client.delete_app("/py/web", force=True))
        wait("the end of the app", self.calm)
        told["left"] = [one.id for one in self.client.list_apps() if one.id.startswith("/py")]


def main(address: str) -> None:
    """Call everything."""
    client = MarathonClient(f"http://{address}", timeout=20)
    kinds: set[str] = set()
    threading.Thread(target=listen, args=(client, kinds), daemon=True).start()
    wait("the event stream", lambda: "event_stream_attached" in kinds)
    calls = Calls(client)
    calls.system()
    calls.create()
    calls.look()
    calls.change()
    calls.kill()
    calls.group()
    calls.wait_in_vain()
    calls.crash()
    calls.errors()
    calls.end()
    told["abdicated"] = bool(client.delete_leader()["message"])
    told["events"] = sorted(kinds)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
