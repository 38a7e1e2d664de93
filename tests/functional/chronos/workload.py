"""What clients of one run ask for, each once and when the plan says, whatever has gone wrong."""

from __future__ import annotations

import shlex
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins

from tests.functional.chronos.asking import Client
from tests.functional.chronos.history import End, History
from tests.functional.chronos.plans import RETRY_DELAY_S, JobPlan, Operation
from tests.functional.chronos.profiles import Profile

SCRIPT: Final = Path(__file__).with_name("task.sh")
#: Requests at the same time.
CLIENTS: Final = 32
HISTORY_LIMIT: Final = 1_000
#: Where a job is posted, by the API and whether it follows others.
POSTS: Final = {
    ("old", False): "/v1/scheduler/iso8601",
    ("old", True): "/v1/scheduler/dependency",
    ("older", False): "/scheduler/iso8601",
    ("older", True): "/scheduler/dependency",
}


class Workload:
    """
    Clients that ask for what a plan has.

    :param runs: where tasks write down what they do.
    """

    def __init__(self, client: Client, profile: Profile, history: History, runs: Path) -> None:
        self._client, self._profile = client, profile
        self._history, self._runs = history, runs
        # What is asked of one job is asked by one client, so one after the other.
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def run(self, operations: Iterable[Operation], began: float) -> None:
        """
        Ask for all, each at its time.

        :param began: the steady second from which the plan counts.
        """
        with ThreadPoolExecutor(CLIENTS) as pool:
            asked = []
            for one in operations:
                time.sleep(max(0.0, began + one.at_s - time.monotonic()))
                asked.append(pool.submit(self._do, one))
            for done in asked:
                done.result()

    def _do(self, one: Operation) -> None:
        if one.job is None:
            self.look()
            return
        with self._locks[one.job.name]:
            match one.kind:
                case "add":
                    self.add(one.job, one.tag)
                case "update":
                    self._update(one.job, one.tag)
                case "delete":
                    self._ask("delete", one.job, "DELETE", f"/v1/chronos/jobs/{one.job.name}")
                case "run":
                    path = f"/v1/chronos/jobs/{one.job.name}/runs"
                    self._ask("run", one.job, "POST", path, {"environment": {"BY_HAND": "yes"}})
                case "enable" | "disable":
                    path = f"/v1/chronos/jobs/{one.job.name}/enabled"
                    self._ask(one.kind, one.job, "PUT", path, {"enabled": one.kind == "enable"})
                case _:
                    raise AssertionError(f"nobody does {one.kind}")

    # --- what is asked --------------------------------------------------------------------

    def add(self, job: JobPlan, tag: int, head_start_s: float | None = None) -> End:
        """Ask for a job, which begins a little later."""
        head_s = self._profile.head_start_s if head_start_s is None else head_start_s
        start = datetime.fromtimestamp(time.time() + head_s, UTC)
        text = start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        document = self._document(job, tag, text)
        value = {"tag": tag, "start": text, "plan": to_builtins(job)}
        path = POSTS.get((job.api, bool(job.parents)))
        if path is None:
            return self._ask("add", job, "PUT", f"/v1/chronos/jobs/{job.name}", document, value)
        return self._ask("add", job, "POST", path, document, value)

    def _update(self, job: JobPlan, tag: int) -> None:
        """Ask for another command, and for the same times."""
        document = {"command": self._command(job, tag)}
        path = f"/v1/chronos/jobs/{job.name}"
        self._ask("update", job, "PATCH", path, document, {"tag": tag})

    def _command(self, job: JobPlan, tag: int) -> str:
        words = [str(SCRIPT), str(self._runs), f"{job.duration_s:g}", str(job.fails), str(tag)]
        return f"exec sh {shlex.join(words)}"

    def _document(self, job: JobPlan, tag: int, start: str) -> dict[str, Any]:
        document: dict[str, Any] = {
            "name": job.name,
            "command": self._command(job, tag),
            "owner": "nobody@example.org",
            "cpus": 0.05,
            "mem": 16,
            "disk": 1,
            "retries": job.retries,
            "retryDelaySeconds": RETRY_DELAY_S,
            "unreachableSeconds": job.unreachable_s,
            "historyLimit": HISTORY_LIMIT,
            "concurrency": "allow" if job.concurrent else "queue",
            "catchUp": "all" if job.concurrent else "one",
        }
        if job.parents:
            return {**document, "parents": list(job.parents)}
        return {
            **document,
            "schedule": f"R{job.count}/{start}/PT{job.interval_s:g}S",
            "epsilon": f"PT{job.epsilon_s:g}S",
        }

    # --- asking ---------------------------------------------------------------------------

    def _ask(
        self,
        op: str,
        job: JobPlan,
        method: str,
        path: str,
        document: object = None,
        value: dict[str, Any] | None = None,
    ) -> End:
        process = self._history.invoke(op, {"job": job.name, **(value or {})})
        told = self._client.ask(method, path, document)
        said = {"status": told.status, "body": told.body if told.end is not End.OK else None}
        self._history.end(process, told.end, op, {"job": job.name, **said})
        return told.end

    def look(self) -> None:
        """Read which jobs there are, and which runs were given up for lost."""
        process = self._history.invoke("look", {})
        jobs = self._client.all_jobs()
        if jobs is None:
            self._history.end(process, End.INFO, "look", {})
            return
        told = self._client.ask("GET", "/v1/chronos/runs?state=failed,killed&limit=1000")
        runs = told.body["runs"] if told.end is End.OK else []
        away = [one["taskId"] for one in runs if "was away for too long" in one.get("message", "")]
        self._history.end(process, End.OK, "look", {"jobs": sorted(jobs), "away": away})
