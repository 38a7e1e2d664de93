"""
A framework and an executor on pymesos, unmodified: what a user's program looks like.

    python pymesos_framework.py scheduler HOST:PORT TASKS
    python pymesos_framework.py executor
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

from addict import Dict
from pymesos import (
    Executor,
    MesosExecutorDriver,
    MesosSchedulerDriver,
    Scheduler,
    decode_data,
    encode_data,
)

SECRET = bytes(range(256))


class Probe(Scheduler):
    """Launch tasks in one custom executor each agent, talk to it, count what comes back."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.launched = 0
        self.states: dict[str, list[str]] = {}
        self.echoes = 0
        self.registrations = 0
        self.problem = ""

    def registered(self, driver: Any, framework_id: Any, master: Any) -> None:
        self.registrations += 1

    def resourceOffers(self, driver: Any, offers: Any) -> None:
        for offer in offers:
            if self.launched >= self.wanted:
                driver.declineOffer(offer.id, Dict(refuse_seconds=60))
                continue
            tasks = []
            for _ in range(min(3, self.wanted - self.launched)):
                task = Dict()
                task.task_id.value = f"probe-{self.launched}"
                task.agent_id.value = offer.agent_id.value
                task.name = "probe"
                task.executor = executor_of()
                task.data = encode_data(SECRET)
                task.resources = [
                    {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
                    {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}},
                ]
                tasks.append(task)
                self.launched += 1
            driver.launchTasks(offer.id, tasks)

    def statusUpdate(self, driver: Any, status: Any) -> None:
        self.states.setdefault(status.task_id.value, []).append(status.state)
        if status.state == "TASK_RUNNING":
            driver.sendFrameworkMessage(
                Dict(value="probe-executor"), status.agent_id, encode_data(SECRET)
            )
        if status.state in ("TASK_LOST", "TASK_FAILED", "TASK_ERROR", "TASK_DROPPED"):
            self.problem = f"{status.task_id.value}: {status.state} {status.get('message')}"
        self._finish(driver)

    def frameworkMessage(self, driver: Any, executor_id: Any, agent_id: Any, message: Any) -> None:
        if decode_data(message) == SECRET:
            self.echoes += 1
        self._finish(driver)

    def error(self, driver: Any, message: Any) -> None:
        self.problem = message
        driver.stop()

    def _finish(self, driver: Any) -> None:
        ended = sum(states[-1] == "TASK_FINISHED" for states in self.states.values())
        if self.problem or (ended == self.wanted and self.echoes >= self.wanted):
            driver.stop()


def executor_of() -> Any:
    """The executor: this very program."""
    executor = Dict()
    executor.executor_id.value = "probe-executor"
    executor.name = "probe"
    executor.type = "CUSTOM"
    executor.command.value = f"{sys.executable} {os.path.abspath(__file__)} executor"
    executor.resources = [
        {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
        {"name": "mem", "type": "SCALAR", "scalar": {"value": 64}},
    ]
    return executor


class Echo(Executor):
    """Run a task when its data came intact; say back what is said."""

    def launchTask(self, driver: Any, task: Any) -> None:
        threading.Thread(target=self._run, args=(driver, task), daemon=True).start()

    def _run(self, driver: Any, task: Any) -> None:
        def say(state: str) -> None:
            update = Dict()
            update.task_id.value = task.task_id.value
            update.state = state
            update.timestamp = time.time()
            driver.sendStatusUpdate(update)

        say("TASK_RUNNING")
        time.sleep(0.5)
        say("TASK_FINISHED" if decode_data(task.data) == SECRET else "TASK_FAILED")

    def frameworkMessage(self, driver: Any, message: Any) -> None:
        driver.sendFrameworkMessage(message)


def run_scheduler(master: str, wanted: int) -> None:
    """Run to the end, then print what was seen as JSON."""
    probe = Probe(wanted)
    framework = Dict(user="root", name="pymesos probe", checkpoint=True)
    driver = MesosSchedulerDriver(probe, framework, master, use_addict=True)
    limit = threading.Timer(90, driver.stop)
    limit.daemon = True
    limit.start()
    driver.run()
    seen = {
        "registrations": probe.registrations,
        "states": probe.states,
        "echoes": probe.echoes,
        "problem": probe.problem,
    }
    sys.stdout.write(json.dumps(seen) + "\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "scheduler":
        run_scheduler(sys.argv[2], int(sys.argv[3]))
    else:
        MesosExecutorDriver(Echo(), use_addict=True).run()
