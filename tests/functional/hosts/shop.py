"""
An app that is changed again and again, watched from outside for whether enough of it serve.

Its upgrades promise that half of its instances serve at any time, and that half as many more
run at most.  Where a fault takes instances itself, nothing is promised until all serve again;
where it hides some from every master, these may run beside those that are counted: then only
that half of them serve is promised.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from msgspec import Struct

from tests.functional.clusters import wait_until
from tests.functional.hosts.asking import AnyMarathon
from tests.functional.outside import Witness
from tests.functional.watched import SERVANT, limits, strategy

GROUP: Final = "/shop"
APP: Final = f"{GROUP}/counter"
INSTANCES: Final = 4
LEAST: Final = 0.5
OVER: Final = 0.5
LOOK_S: Final = 0.25
PATIENCE_S: Final = 5.0
#: Until the last change has been made when nothing is wrong any more.
CALM_S: Final = 60.0


class Change(Struct, frozen=True):
    """A version that was asked for, and whether it was taken; ``None`` if nobody knows."""

    version: int
    taken: bool | None


class Sold(Struct, frozen=True, kw_only=True):
    """How the app fared."""

    changes: tuple[Change, ...]
    #: What runs in the end, by its instances.
    last: tuple[int, ...]
    #: What speaks against the rule, or against having started each task once.
    broken: tuple[str, ...]
    rounds: int
    #: For how long nothing was promised.
    waived_s: float
    #: If it never came to rest, what Marathon says of it, for who has to find out why.
    story: str = ""


class Shop:
    """The app and who watches it."""

    def __init__(self, addresses: Sequence[str], runs: Path, every_s: float, seed: int) -> None:
        chance = Random(f"{seed} shop")
        self._marathon = AnyMarathon(addresses, PATIENCE_S, chance)
        self._runs, self._every_s = runs, every_s
        self._changes: list[Change] = []
        self._waived: list[float] = []
        self._waived_s = 0.0
        self._nothing = False
        self._wiping = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._witness: Witness | None = None
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        """Have it made, wait until all serve, and then promise."""
        wait_until("the app", lambda: self._status("PUT", f"/v2/apps{APP}", self._app(0)) < 300)
        self._witness = Witness(self._marathon, GROUP, self._runs)
        wait_until("the app to serve", self._all_serve)
        self._promise()
        works = (self._change_often, self._mend_often)
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]
        for thread in self._threads:
            thread.start()

    def _app(self, version: int) -> dict[str, Any]:
        check = {"protocol": "MESOS_HTTP", "path": "/health", "intervalSeconds": 1}
        patience = {"timeoutSeconds": 5, "gracePeriodSeconds": 60, "delaySeconds": 0}
        return {
            "id": APP,
            "cmd": f"exec {sys.executable} -S -E {SERVANT} {self._runs}",
            "cpus": 0.01,
            "mem": 16,
            "instances": INSTANCES,
            "env": {"VERSION": str(version)},
            "healthChecks": [{**check, **patience}],
            "upgradeStrategy": strategy(LEAST, OVER),
            # Whoever cannot be heard is not replaced: it may serve all the same.
            "unreachableStrategy": "disabled",
            "backoffSeconds": 1,
            "maxLaunchDelaySeconds": 2,
        }

    def _status(self, method: str, path: str, document: object = None) -> int:
        """What is answered; 599 if nothing is."""
        try:
            return self._marathon.ask(method, path, document).status
        except (OSError, http.client.HTTPException, ValueError):
            return 599

    # --- changing -------------------------------------------------------------------------

    def _change_often(self) -> None:
        version = 0
        while not self._closed.wait(self._every_s):
            version += 1
            self._change(version)

    def _change(self, version: int) -> None:
        status = self._status("PUT", f"/v2/apps{APP}", {"env": {"VERSION": str(version)}})
        # What is refused is not done: another change may be under way.
        taken = True if status < 300 else False if status < 500 else None
        self._changes.append(Change(version, taken))

    # --- promising ------------------------------------------------------------------------

    def _promise(self) -> None:
        assert self._witness is not None
        self._witness.rule(APP, *limits(INSTANCES, LEAST, OVER))

    def waive(self, *, least: bool) -> None:
        """Promise nothing until all serve again; or if ``least``, that half of them serve."""
        assert self._witness is not None
        with self._lock:
            # Of what an earlier fault has taken nothing is promised until all of it is back.
            self._nothing = not least or (bool(self._waived) and self._nothing)
            self._waived.append(time.monotonic())
            few = 0 if self._nothing else limits(INSTANCES, LEAST, OVER)[0]
            self._witness.rule(APP, few, 10 * INSTANCES)

    def resume(self) -> None:
        """Whatever took instances takes none any more."""
        with self._lock:
            self._waived.append(0.0)

    def lose(self, addresses: Collection[str]) -> None:
        """A host is gone for good: from now on do what an operator does about its instances."""
        self._marathon.forget(addresses)
        self._wiping = True

    def _wipe(self) -> None:
        """Have those given up whose agent the master has given up."""
        path = f"/v2/apps{APP}/tasks"
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            answer = self._marathon.ask("GET", path)
            tasks = answer.body["tasks"] if answer.status == 200 else []
            for task in tasks:
                if task["state"] == "TASK_UNREACHABLE":
                    self._status("DELETE", f"{path}/{task['id']}?wipe=true")

    def _mend_often(self) -> None:
        while not self._closed.wait(LOOK_S):
            if self._wiping:
                self._wipe()
            with self._lock:
                if self._waived and self._waived[-1] == 0.0 and self._all_serve():
                    self._waived_s += time.monotonic() - self._waived[0]
                    self._waived.clear()
                    self._promise()

    def _all_serve(self) -> bool:
        """Whether there are all, and each of them serves."""
        assert self._witness is not None
        alive = self._alive()
        most = limits(INSTANCES, LEAST, OVER)[1]
        return INSTANCES <= len(alive) <= most and alive <= self._witness.serving(APP)

    # --- the end --------------------------------------------------------------------------

    def close(self) -> Sold:
        """Wait until nothing is under way any more; how it fared."""
        assert self._witness is not None
        self._closed.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_S)
        until = time.monotonic() + CALM_S
        while not self._is_calm() and time.monotonic() < until:
            time.sleep(LOOK_S)
        last = tuple(sorted(self._last()))
        story = "" if self._is_calm() else self._story()
        self._witness.close()
        with self._lock:
            if self._waived:
                self._waived_s += time.monotonic() - self._waived[0]
        return Sold(
            changes=tuple(self._changes),
            last=last,
            broken=tuple(self._witness.broken()),
            rounds=self._witness.rounds,
            waived_s=self._waived_s,
            story=story,
        )

    def stop(self) -> None:
        """Look and ask no more."""
        self._closed.set()
        if self._witness is not None:
            self._witness.close()

    def _is_calm(self) -> bool:
        if not self._all_serve() or len(self._alive()) != INSTANCES:
            return False
        try:
            answer = self._marathon.ask("GET", "/v2/deployments")
        except (OSError, http.client.HTTPException, ValueError):
            return False
        return answer.status == 200 and answer.body == []

    def _story(self) -> str:
        found = {}
        for path in (f"/why/apps{APP}", "/v2/deployments", "/v2/queue", f"/v2/apps{APP}/tasks"):
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                found[path] = self._marathon.ask("GET", path).body
        return json.dumps(found, indent=1)

    def _alive(self) -> set[str]:
        assert self._witness is not None
        return {one.task_id for one in self._witness.alive(APP)}

    def _last(self) -> list[int]:
        """The versions of what runs, by the environments of the processes."""
        assert self._witness is not None
        found = []
        for life in self._witness.alive(APP):
            words = Path(f"/proc/{life.pid}/environ").read_bytes().split(b"\0")
            found += [int(one[8:]) for one in words if one.startswith(b"VERSION=")]
        return found
