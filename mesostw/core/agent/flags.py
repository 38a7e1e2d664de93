"""What an operator says of an agent; defaults are those of Mesos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from mesostw.messages import Attribute, Resource

#: What a task's ``PATH`` is when nobody says another.
PATH_DEFAULT: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: The longest wait between two tries to register.
REGISTRATION_BACKOFF_MAX_S: Final = 60.0
#: The first wait between tries when ``registration_backoff_s`` is 0.
REGISTRATION_BACKOFF_MIN_S: Final = 1.0
#: How long a task may take to end after SIGTERM if nobody says another time.
KILL_GRACE_S: Final = 3.0
#: Statuses of one state that a task has waiting; then the newest takes the place of the last.
PENDING_MAX: Final = 16
#: How long an executor's last words may take to arrive after it has ended.
EXECUTOR_DRAIN_S: Final = 1.0
#: uuids remembered of each task of an executor, to drop what it repeats.
SEEN_UUIDS_MAX: Final = 64
#: How often an executor is told that the agent is there.
EXECUTOR_HEARTBEAT_S: Final = 30.0 * 60
#: Wait before a status is said again; doubled at each try.
RETRY_MIN_S: Final = 10.0
RETRY_MAX_S: Final = 600.0
#: Statuses that fall due within this time are said again together.
RETRY_GAP_S: Final = 0.1
#: Silence of the master after which the agent dials again, until a master says another time.
PING_TIMEOUT_S: Final = 75.0


class AgentFlags(Struct, frozen=True, kw_only=True):
    """The part of an agent's flags that its core decides by."""

    hostname: str
    #: Where the agent's one port answers; told to masters and executors.
    ip: str
    port: int
    version: str
    work_dir: str
    resources: tuple[Resource, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    capabilities: tuple[str, ...] = (
        "MULTI_ROLE",
        "HIERARCHICAL_ROLE",
        "RESERVATION_REFINEMENT",
    )
    #: The first try to register comes within this time; 0 is at once.
    registration_backoff_s: float = 1.0
    executor_registration_timeout_s: float = 60.0
    executor_reregistration_timeout_s: float = 2.0
    executor_shutdown_grace_s: float = 5.0
    #: How long an executor may wait for an agent that does not come back.
    recovery_timeout_s: float = 15.0 * 60
    #: Whether tasks run as their framework's user rather than as the agent's.
    switch_user: bool = True
    #: Given to every executor and task; ``None`` is a standard ``PATH`` only.
    executor_environment: Mapping[str, str] | None = None
    max_completed_executors_per_framework: int = 150
    #: ``equal`` or ``additive``: what a restart may change (see Note [A changed agent]).
    reconfiguration_policy: str = "equal"
    #: ``reconnect``, or ``cleanup``: end everything that an earlier life left, then stop.
    recover: str = "reconnect"

    @property
    def address(self) -> str:
        """Where the agent's HTTP answers, ``ip:port``."""
        return f"{self.ip}:{self.port}"
