"""What an operator decides for one Chronos, and the limits that nobody decides."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

TICK_S: Final = 1.0
#: Characters of a status message that are kept.
MESSAGE_CHARS_MAX: Final = 2_000
#: Successes of each job of which the durations are kept.
DURATIONS_MAX: Final = 100
#: Runs made, launched or asked after in one turn; what is left comes in the next slice.
DUE_PER_TURN_MAX: Final = 200
LAUNCHES_PER_TURN_MAX: Final = 500
RECONCILE_TASKS_MAX: Final = 2_000
#: Instants that one skipped record may stand for are counted, not walked, from here on.
WALK_MAX: Final = 10_000
#: Shorter periods are refused.
PERIOD_MIN_S: Final = 1.0
JOBS_MAX: Final = 100_000
PARENTS_MAX: Final = 1_000
#: Runs of one job that wait.
WAITING_PER_JOB_MAX: Final = 1_000
#: Instants that one backfill may ask for.
BACKFILL_MAX: Final = 1_000
#: Notices that are not delivered yet; older ones give way.
NOTICES_MAX: Final = 10_000
#: Until a task that was sent for is asked after again, doubled each time up to the last.
RECONCILE_RETRY_S: Final = 1.0
RECONCILE_RETRY_MAX_S: Final = 15.0
#: A launch that nothing was heard of for so long is asked after.  A master that knows it says
#: so at once, so asking costs little; one that was lost may still be in time if it is noticed.
LAUNCH_CONFIRM_S: Final = 5.0
KILL_RETRY_S: Final = 30.0
#: Until a run that took too long is ended by us too; its agent has the first word.
COMPLETION_GRACE_S: Final = 10.0


class ChronosFlags(Struct, frozen=True, kw_only=True):
    """Defaults are Chronos'; durations in seconds, amounts of memory and disk in MiB."""

    mesos_role: str = "*"
    user: str = "root"
    mesos_task_cpu: float = 0.1
    mesos_task_mem: float = 128.0
    mesos_task_disk: float = 256.0
    #: What jobs that come by ``/scheduler`` may be late, if they do not say.
    task_epsilon_s: float = 60.0
    failure_retry_s: float = 60.0
    #: 0 is never.
    disable_after_failures: int = 0
    decline_offer_duration_s: float = 5.0
    min_revive_offers_interval_s: float = 5.0
    reconciliation_interval_s: float = 600.0
    #: Runs that ``job/stat`` shows.
    job_history_limit: int = 5
    #: Versions of each job that are kept.
    versions_max: int = 25
    #: Launches on one offer.
    launches_per_offer_max: int = 20
    #: Whether jobs without hooks tell their owners; with a mail server or a call to be made.
    tells_owners: bool = False
