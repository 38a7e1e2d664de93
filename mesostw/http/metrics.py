"""``/metrics/snapshot`` as Mesos names things, and ``/metrics`` as Prometheus does."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mesostw.core.agent.state import AgentState as AgentTables
from mesostw.core.master.state import AgentState, ClusterState, FrameworkState
from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import Query, Reply, json_reply
from mesostw.model.tasks import TaskState

MEASURES: Final = ("cpus", "gpus", "mem", "disk")
#: Agents and frameworks beyond this have no series of their own: a scraper keeps each for days.
SERIES_MAX: Final = 2000
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"
#: The names that count something that never goes down.
_COUNTED: Final = re.compile(
    r"messages_|_removals|registrations|_total_|dropped|invalid_|valid_|_runs$"
    r"|^(zookeeper|election|store|followers|standby)/.*_total$"
    r"|tasks_(finished|failed|killed|lost|error|dropped|gone|gone_by_operator)$"
)
_DURATION: Final = re.compile(r"\d+(\.\d+)?(ns|us|ms|secs|mins|hrs|days|weeks)")

_HERE: Final = {
    "staging": TaskState.TASK_STAGING,
    "starting": TaskState.TASK_STARTING,
    "running": TaskState.TASK_RUNNING,
    "killing": TaskState.TASK_KILLING,
}
_ENDED: Final = {
    "finished": TaskState.TASK_FINISHED,
    "failed": TaskState.TASK_FAILED,
    "killed": TaskState.TASK_KILLED,
    "lost": TaskState.TASK_LOST,
    "error": TaskState.TASK_ERROR,
    "dropped": TaskState.TASK_DROPPED,
    "gone": TaskState.TASK_GONE,
    "gone_by_operator": TaskState.TASK_GONE_BY_OPERATOR,
}

#: What a master's core counts, told as 0 before the first: an alert on a name that is not
#: there never fires.
_MASTER_COUNTERS: Final = tuple(
    f"master/{name}"
    for name in (
        "dropped_messages",
        "invalid_executor_to_framework_messages",
        "invalid_framework_to_executor_messages",
        "invalid_status_update_acknowledgements",
        "invalid_status_updates",
        "messages_decline_offers",
        "messages_executor_to_framework",
        "messages_exited_executor",
        "messages_framework_to_executor",
        "messages_kill_task",
        "messages_launch_tasks",
        "messages_reconcile_operations",
        "messages_reconcile_tasks",
        "messages_register_framework",
        "messages_register_slave",
        "messages_reregister_framework",
        "messages_reregister_slave",
        "messages_resource_request",
        "messages_revive_offers",
        "messages_suppress_offers",
        "messages_unregister_slave",
        "slave_registrations",
        "slave_removals",
        "slave_removals/reason_registered",
        "slave_removals/reason_unhealthy",
        "slave_removals/reason_unregistered",
        "slave_reregistrations",
        "slave_unreachable_completed",
        "valid_executor_to_framework_messages",
        "valid_framework_to_executor_messages",
        "valid_status_update_acknowledgements",
        "valid_status_updates",
    )
)

Metrics = Callable[[], Mapping[str, float]]


def system_metrics() -> dict[str, float]:
    """What ``system/*`` tells of the machine."""
    one, five, fifteen = os.getloadavg()
    total, free = memory_bytes()
    return {
        "system/cpus_total": os.cpu_count() or 1,
        "system/load_1min": one,
        "system/load_5min": five,
        "system/load_15min": fifteen,
        "system/mem_total_bytes": total,
        "system/mem_free_bytes": free,
    }


def memory_bytes() -> tuple[int, int]:
    """All memory of the machine and what is free of it."""
    page = os.sysconf("SC_PAGE_SIZE")
    return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")


def stats_page(query: Query) -> Reply:
    """``/system/stats.json``."""
    found = system_metrics()
    return json_reply(
        {
            "avg_load_1min": found["system/load_1min"],
            "avg_load_5min": found["system/load_5min"],
            "avg_load_15min": found["system/load_15min"],
            "cpus_total": found["system/cpus_total"],
            "mem_total_bytes": found["system/mem_total_bytes"],
            "mem_free_bytes": found["system/mem_free_bytes"],
        }
    )


def master_metrics(view: ClusterState, uptime_s: float) -> dict[str, float]:
    """What a master's tables tell."""
    agents = Counter(agent.state for agent in view.agents.values())
    frameworks = Counter(one.state for one in view.frameworks.values())
    connected = agents[AgentState.ACTIVE] + agents[AgentState.INACTIVE]
    found: dict[str, float] = {
        **dict.fromkeys(_MASTER_COUNTERS, 0),
        "master/uptime_secs": uptime_s,
        "master/slaves_active": agents[AgentState.ACTIVE],
        "master/slaves_inactive": agents[AgentState.INACTIVE] + agents[AgentState.DISCONNECTED],
        "master/slaves_connected": connected,
        "master/slaves_disconnected": agents[AgentState.DISCONNECTED],
        "master/slaves_unreachable": agents[AgentState.UNREACHABLE],
        "master/frameworks_active": frameworks[FrameworkState.ACTIVE],
        "master/frameworks_inactive": len(view.frameworks) - frameworks[FrameworkState.ACTIVE],
        "master/frameworks_connected": sum(one.is_connected for one in view.frameworks.values()),
        "master/frameworks_disconnected": frameworks[FrameworkState.DISCONNECTED],
        "master/outstanding_offers": len(view.offers),
        "master/tasks_unreachable": view.unreachable,
    }
    for name, state in _HERE.items():
        found[f"master/tasks_{name}"] = view.states.get(state, 0)
    for name, state in _ENDED.items():
        # Ended ones that wait for an acknowledgement are in the other tally.
        found[f"master/tasks_{name}"] = view.ended.get(state, 0) + view.states.get(state, 0)
    total: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for agent_id, load in view.agent_loads.items():
        total.update(view.agents[agent_id].total.scalars())
        used.update(load.used.scalars())
    found.update(_shares("master", total, used))
    return found


def registrar_metrics(numbers: Mapping[str, float]) -> dict[str, float]:
    """
    What a store tells, under the names that Mesos has for it.

    :param numbers: of the store, by names that begin with ``store/``.
    """
    found = {
        "registrar/queued_operations": numbers.get("store/appends_waiting", 0),
        "registrar/state_fetch_ms": numbers.get("store/read_seconds", 0.0) * 1000,
        "registrar/state_store_ms": numbers.get("store/append_seconds_last", 0.0) * 1000,
        "registrar/state_store_ms/count": numbers.get("store/appends_total", 0),
        "registrar/state_store_ms/max": numbers.get("store/append_seconds_max", 0.0) * 1000,
    }
    if "store/log_bytes" in numbers:
        found["registrar/registry_size_bytes"] = numbers["store/log_bytes"]
    return found


#: Counters of an agent that are not its own by name; there before they count.
_FETCHES = tuple(f"containerizer/fetcher/task_fetches_{end}" for end in ("succeeded", "failed"))


def agent_metrics(view: AgentTables, uptime_s: float) -> dict[str, float]:
    """What an agent's tables tell."""
    states = Counter(task.state for task in view.tasks.values())
    found: dict[str, float] = {
        "slave/uptime_secs": uptime_s,
        "slave/registered": 1 if view.master is not None else 0,
        "slave/frameworks_active": len(view.frameworks),
    }
    phases = Counter(executor.phase.value for executor in view.executors.values())
    for phase in ("registering", "running", "terminating"):
        found[f"slave/executors_{phase}"] = phases[phase]
    for name, state in _HERE.items():
        found[f"slave/tasks_{name}"] = states[state]
    for name in _ENDED:
        found[f"slave/tasks_{name}"] = view.counters.get(f"tasks_{name}", 0)
    for name in _FETCHES:
        found[name] = 0
    for name, count in view.counters.items():
        if "/" in name:
            found[name] = count
        else:
            found.setdefault(f"slave/{name}", count)
    return found


def _shares(prefix: str, total: Mapping[str, int], used: Mapping[str, int]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in MEASURES:
        all_of_it, held = total.get(name, 0) / 1000, used.get(name, 0) / 1000
        found[f"{prefix}/{name}_total"] = all_of_it
        found[f"{prefix}/{name}_used"] = held
        found[f"{prefix}/{name}_percent"] = held / all_of_it if all_of_it else 0.0
    return found


# --- Prometheus ---------------------------------------------------------------


def series(
    name: str, kind: str, samples: Iterable[tuple[Mapping[str, str], float]]
) -> Iterable[str]:
    """One metric in the text format, with all its labels."""
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{inside}}} {value:g}" if inside else f"{name} {value:.17g}"


def plain_series(metrics: Mapping[str, float]) -> Iterable[str]:
    """Every metric of ``/metrics/snapshot`` under a name that Prometheus takes."""
    for name, value in sorted(metrics.items()):
        kind = "counter" if _COUNTED.search(name) else "gauge"
        yield from series("mesos_" + re.sub(r"[^a-zA-Z0-9_]", "_", name), kind, (({}, value),))


def cluster_series(view: ClusterState) -> Iterable[str]:
    """Series by framework and by agent, bounded by ``SERIES_MAX``."""
    frameworks = list(view.frameworks.values())[:SERIES_MAX]
    loads = [(one, view.load_of(one.id)) for one in frameworks]
    yield from series(
        "mesostw_framework_tasks",
        "gauge",
        (
            ({"framework": one.id, "name": one.info.name, "state": state.value}, count)
            for one, load in loads
            for state, count in load.states.items()
        ),
    )
    for measure in MEASURES:
        yield from series(
            f"mesostw_framework_{measure}",
            "gauge",
            (
                ({"framework": one.id, "name": one.info.name}, load.used.get(measure, 0) / 1000)
                for one, load in loads
            ),
        )
    agents = [
        (agent, view.agent_load_of(agent.id))
        for agent in list(view.agents.values())[:SERIES_MAX]
        if agent.is_registered
    ]
    for measure in MEASURES:
        yield from series(
            f"mesostw_agent_{measure}_used",
            "gauge",
            (
                ({"agent": agent.id, "hostname": agent.info.hostname}, load.used.number(measure))
                for agent, load in agents
            ),
        )
    yield from series(
        "mesostw_agent_tasks",
        "gauge",
        (
            ({"agent": agent.id, "hostname": agent.info.hostname}, len(load.tasks))
            for agent, load in agents
        ),
    )


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class MetricPages:
    """
    Both pages over one set of numbers.

    :param read: every number by its Mesos name, read when asked for.
    :param labelled: further series for Prometheus only.
    """

    def __init__(self, read: Metrics, labelled: Callable[[], Iterable[str]] = tuple) -> None:
        self._read, self._labelled = read, labelled

    def snapshot(self, query: Query) -> Reply:
        """``/metrics/snapshot``; nothing here takes time, so no ``timeout`` is ever missed."""
        timeout = query.get("timeout")
        if timeout and not _DURATION.fullmatch(timeout):
            text = f"Invalid timeout '{timeout[:100]}': a number and a unit, such as 5secs.\n"
            raise HttpRefusal.bad_request(text)
        return json_reply(dict(sorted(self._read().items())))

    def prometheus(self, query: Query) -> Reply:
        """``/metrics``."""
        lines = [*plain_series(self._read()), *self._labelled(), ""]
        return Reply("\n".join(lines).encode(), PROMETHEUS)
