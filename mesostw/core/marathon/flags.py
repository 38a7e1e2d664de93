"""What an operator decides for one Marathon, and the limits that nobody decides."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

TICK_S: Final = 1.0
#: Characters of a status message that are kept.
MESSAGE_CHARS_MAX: Final = 10_000
#: Ends that are kept of each app.
TERMINATIONS_MAX: Final = 20
#: Instances that one reconciliation asks after in one call.
RECONCILE_TASKS_MAX: Final = 2_000
#: Kills said in one turn, and until one is said again.
KILL_CHUNK: Final = 100
KILL_RETRY_S: Final = 30.0
#: Unused offers remembered of each waiting app.
UNUSED_OFFERS_MAX: Final = 10


class MarathonFlags(Struct, frozen=True, kw_only=True):
    """Defaults are Marathon's; durations in seconds."""

    mesos_role: str = "*"
    mesos_user: str | None = None
    env_vars_prefix: str = ""
    default_accepted_resource_roles: str = ""
    new_group_enforce_role: str = "off"
    local_port_min: int = 10_000
    local_port_max: int = 20_000
    max_apps: int | None = None
    max_running_deployments: int = 100
    zk_max_versions: int = 50
    max_instances_per_offer: int = 5
    decline_offer_duration_s: float = 120.0
    min_revive_offers_interval_s: float = 5.0
    launch_tokens: int = 100
    launch_token_refresh_interval_s: float = 30.0
    task_launch_timeout_s: float = 300.0
    task_launch_confirm_timeout_s: float = 300.0
    task_lost_expunge_interval_s: float = 30.0
    reconciliation_initial_delay_s: float = 15.0
    reconciliation_interval_s: float = 600.0
    scale_apps_initial_delay_s: float = 15.0
    scale_apps_interval_s: float = 300.0
    draining_s: float = 0.0
    gpu_scheduling_behavior: str = "restricted"
