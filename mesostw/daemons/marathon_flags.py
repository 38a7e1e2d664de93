"""
Marathon's flags, with the names and defaults that they have there; durations in its units.

Only flags that do something are here.  Those that the original has for ZooKeeper, TLS,
plugins and reporters are refused as unknown by ``twistd`` rather than ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mesostw.core.marathon.flags import MarathonFlags
from mesostw.daemons.framework_flags import (
    amount,
    http_flags,
    interval,
    milliseconds,
    seconds,
)
from mesostw.daemons.options import COMMON, Flag, FlagOptions, boolean, count, one_of, port
from mesostw.daemons.zk_flags import MASTER_FLAG, ZK_FLAGS_MS
from mesostw.model.names import check_role
from mesostw.model.zkurl import SCHEME, masked

FLAGS: Final[Sequence[Flag]] = (
    MASTER_FLAG,
    *ZK_FLAGS_MS,
    Flag("work_dir", "Where apps, instances and deployments are kept.", required=True),
    *http_flags("Marathon", "8080", None),
    Flag("http_compression", "Whether answers are compressed for who takes that.", "true", boolean),
    Flag(
        "http_max_concurrent_requests",
        "Requests under way at a time, event streams left out; more are refused. No limit if not "
        "given.",
        read=count,
    ),
    Flag("framework_name", "Name of the framework at the master.", "marathon"),
    Flag("mesos_role", "Role of apps that name none.", "*", check_role),
    Flag("mesos_user", "Whom apps run as that name nobody; Marathon's own user if not given."),
    Flag("failover_timeout", "How long tasks outlive Marathon, in s.", "604800", seconds),
    Flag("checkpoint", "Whether agents keep tasks over their own restarts.", "true", boolean),
    Flag("env_vars_prefix", "Before the names of PORT, PORTS and HOST variables.", ""),
    Flag(
        "default_accepted_resource_roles",
        "Of apps that say nothing: any, unreserved or reserved.",
        "any",
        one_of("any", "unreserved", "reserved"),
    ),
    Flag(
        "new_group_enforce_role",
        "Whether apps of new top-level groups get the group's name as role: off or top.",
        "off",
        one_of("off", "top"),
    ),
    Flag("local_port_min", "The first service port that is assigned.", "10000", port),
    Flag("local_port_max", "The first that is not assigned any more.", "20000", port),
    Flag("max_apps", "How many apps there may be; without end if not given.", read=count),
    Flag("max_running_deployments", "At the same time; more are refused.", "100", amount),
    Flag(
        "zk_max_versions", "How many versions of each app, and of the tree, are kept.", "50", amount
    ),
    Flag("max_instances_per_offer", "Launched at most on one offer.", "5", amount),
    Flag(
        "decline_offer_duration",
        "How long an offer that nothing fits is refused, in ms.",
        "120000",
        milliseconds,
    ),
    Flag(
        "min_revive_offers_interval",
        "Between two requests for new offers, in ms.",
        "5000",
        milliseconds,
    ),
    Flag(
        "launch_tokens",
        "Launches that may be under way; running ones give theirs back.",
        "100",
        amount,
    ),
    Flag(
        "launch_token_refresh_interval",
        "After which all tokens are there again, in ms.",
        "30000",
        interval,
    ),
    Flag("task_launch_timeout", "Until a task must run, in ms.", "300000", interval),
    Flag(
        "task_launch_confirm_timeout",
        "Until a launch must be confirmed, in ms.",
        "300000",
        interval,
    ),
    Flag(
        "task_lost_expunge_interval",
        "Between two looks for instances to be forgotten, in ms.",
        "30000",
        interval,
    ),
    Flag("reconciliation_initial_delay", "After registration, in ms.", "15000", milliseconds),
    Flag("reconciliation_interval", "Between two reconciliations, in ms.", "600000", interval),
    Flag(
        "scale_apps_initial_delay",
        "Until every app is looked at for the first time, though nothing has changed, in ms.",
        "15000",
        milliseconds,
    ),
    Flag(
        "scale_apps_interval",
        "Between two such looks at every app, in ms.",
        "300000",
        interval,
    ),
    Flag(
        "draining_seconds",
        "So long before a maintenance of an agent its offers are declined, in s.",
        "0",
        seconds,
    ),
    Flag(
        "gpu_scheduling_behavior",
        "Whether apps without GPUs avoid agents with some: restricted, or unrestricted.",
        "restricted",
        one_of("restricted", "unrestricted"),
    ),
    Flag(
        "max_concurrent_marathon_health_checks",
        "Health checks that Marathon does at the same time.",
        "256",
        amount,
    ),
    Flag(
        "event_stream_max_outstanding_messages",
        "Unread messages at which a slow reader of /v2/events is cut off.",
        "1024",
        count,
    ),
    *(flag for flag in COMMON if flag.name != "ip"),
)


def core_flags(options: FlagOptions) -> MarathonFlags:
    """What the core needs to know of them."""
    return MarathonFlags(
        mesos_role=options["mesos_role"],
        mesos_user=options["mesos_user"],
        env_vars_prefix=options["env_vars_prefix"],
        default_accepted_resource_roles=options["default_accepted_resource_roles"],
        new_group_enforce_role=options["new_group_enforce_role"],
        local_port_min=options["local_port_min"],
        local_port_max=options["local_port_max"],
        max_apps=options["max_apps"],
        max_running_deployments=options["max_running_deployments"],
        zk_max_versions=options["zk_max_versions"],
        max_instances_per_offer=options["max_instances_per_offer"],
        decline_offer_duration_s=options["decline_offer_duration"],
        min_revive_offers_interval_s=options["min_revive_offers_interval"],
        launch_tokens=options["launch_tokens"],
        launch_token_refresh_interval_s=options["launch_token_refresh_interval"],
        task_launch_timeout_s=options["task_launch_timeout"],
        task_launch_confirm_timeout_s=options["task_launch_confirm_timeout"],
        task_lost_expunge_interval_s=options["task_lost_expunge_interval"],
        reconciliation_initial_delay_s=options["reconciliation_initial_delay"],
        reconciliation_interval_s=options["reconciliation_interval"],
        scale_apps_initial_delay_s=options["scale_apps_initial_delay"],
        scale_apps_interval_s=options["scale_apps_interval"],
        draining_s=options["draining_seconds"],
        gpu_scheduling_behavior=options["gpu_scheduling_behavior"],
    )


def config_of(options: FlagOptions) -> Mapping[str, object]:
    """What ``/v2/info`` shows beside what the core knows."""
    found = {
        name: options[name]
        for name in ("master", "hostname", "framework_name", "checkpoint", "webui_url")
        if options[name] is not None
    }
    found["failover_timeout"] = int(options["failover_timeout"])
    if options["master"].startswith(SCHEME):
        found["master"] = masked(options["master"])
    else:
        found["mesos_leader_ui_url"] = f"http://{options['master']}/"
    return found
