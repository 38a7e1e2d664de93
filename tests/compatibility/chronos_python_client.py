"""
Every call of the PyPI package ``chronos-python``, unmodified, against a Chronos at ``HOST:PORT``.

The second argument is the version of the API: ``v1``, or ``none`` for that of Chronos 2.  Prints
one JSON object: what each call gave.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import chronos

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


class Calls:
    """Every call, in an order in which each has something to do."""

    def __init__(self, client: chronos.ChronosClient, is_old: bool) -> None:
        self.client, self.is_old = client, is_old
        self.prefix = "old" if is_old else "new"

    def job(self, name: str, command: str, **fields: object) -> dict[str, object]:
        """A job that the client takes: it insists on some fields."""
        found = {
            "name": f"{self.prefix}-{name}",
            "command": command,
            "owner": "py@example.org",
            "disabled": False,
            "cpus": 0.1,
            "mem": 32,
            "disk": 1,
            **fields,
        }
        return {**found, "async": False} if self.is_old else found

    def named(self, name: str) -> Any:
        """A job as it is listed."""
        wanted = f"{self.prefix}-{name}"
        return next((one for one in self.client.list() if one["name"] == wanted), None)

    def adding(self) -> None:
        """Jobs on a clock and after each other; what is wrong with a job."""
        far = "R/2099-01-01T00:00:00Z/P1D"
        told["added"] = self.client.add(self.job("extract", "echo extracted", schedule=far))
        told["child"] = self.client.add(
            self.job("report", "echo reported", parents=[f"{self.prefix}-extract"])
        )
        told["visible"] = [self.named("extract") is not None, self.named("report")["parents"]]
        told["has_async"] = "async" in self.named("extract")
        for name, fields in (("schedule", {"schedule": "daily"}), ("parents", {"parents": ["x"]})):
            try:
                self.client.add(self.job("wrong", "true", **fields))
            except chronos.ChronosAPIError as fault:
                told[f"wrong_{name}"] = str(fault)
        try:
            self.client.add({"name": "incomplete"})
        except chronos.MissingFieldError:
            told["incomplete"] = True

    def changing(self) -> None:
        """An update replaces, and what is listed can be put again."""
        known = self.named("extract")
        told["updated"] = self.client.update({**known, "command": "echo again", "retries": 1})
        now = self.named("extract")
        told["changed"] = [now["command"], now["retries"], now["schedule"] == known["schedule"]]

    def running(self) -> None:
        """A run by hand, then the job that follows it."""
        told["run"] = self.client.run(f"{self.prefix}-extract")
        wait("the report", lambda: self.named("report")["successCount"] == 1)
        told["succeeded"] = self.named("extract")["successCount"]
        stat = self.client.job_stat(f"{self.prefix}-extract")
        told["stat"] = [stat["histogram"]["count"], stat["taskStatHistory"][0]["status"]]

    def killing(self) -> None:
        """The tasks of a job that would run for long."""
        self.client.add(self.job("long", "sleep 1000", schedule="R1//PT24H"))
        wait("the task", lambda: "long,fresh,1 running" in self.client.scheduler_graph())
        told["killed"] = self.client.delete_tasks(f"{self.prefix}-long")
        wait("its end", lambda: "long,fresh,idle" in self.client.scheduler_graph())

    def looking(self) -> None:
        """Searches, the graph and numbers."""
        found = self.client.search(name=f"{self.prefix.upper()}-REP")
        told["searched"] = [one["name"] for one in found]
        told["commanded"] = len(self.client.search(name=self.prefix, command="AGAIN"))
        lines = self.client.scheduler_graph().splitlines()
        told["link"] = f"link,{self.prefix}-extract,{self.prefix}-report" in lines
        for which in ("99th", "98th", "95th", "75th", "median", "mean"):
            stats = getattr(self.client, f"scheduler_stat_{which}")()
            told.setdefault("stats", []).append(sorted(stats[0]))
        told["metrics"] = "gauges" in self.client.metrics()

    def deleting(self) -> None:
        """Everything goes, the child last, which had become its own."""
        told["deleted"] = [
            self.client.delete(f"{self.prefix}-{name}") for name in ("long", "extract", "report")
        ]
        told["left"] = [one["name"] for one in self.client.list() if self.prefix in one["name"]]
        try:
            self.client.delete(f"{self.prefix}-extract")
        except chronos.ChronosAPIError as fault:
            told["unknown"] = str(fault)


def main(address: str, version: str) -> None:
    """Do all of it."""
    is_old = version == "none"
    client = chronos.connect(address, scheduler_api_version=None if is_old else version)
    calls = Calls(client, is_old)
    for step in (
        calls.adding,
        calls.changing,
        calls.running,
        calls.killing,
        calls.looking,
        calls.deleting,
    ):
        step()
    sys.stdout.write(json.dumps(told) + "\n")


main(*sys.argv[1:])
