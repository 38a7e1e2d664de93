"""
Jobs, as Chronos' API describes them: what one is, when it runs, and the parts it has.

Field names are the API's in snake case; ``rename`` gives the API's own.  A schedule is an
anchor that never moves: instant k is anchor + k x period, so that neither the ends of months
nor changes of daylight time add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final, NewType, TypeAlias

from msgspec import Meta, Struct, field

#: Letters, digits, ``_``, blanks, ``#``, ``.`` and ``-``: what both API versions allow.
JobName = NewType("JobName", str)
#: Of one attempt; nobody else gives the same.
RunId = NewType("RunId", str)
NoticeId = NewType("NoticeId", str)
#: A nominal time, in whole milliseconds since 1970, UTC.
Instant = NewType("Instant", int)

#: A task's id holds the name with 64 characters more at most, and has 200.
NAME_CHARS_MAX: Final = 120
#: To be matched in full.
NAME_PATTERN: Final = r"[\w #.-]+"
#: Instants lie in the years that calendars here know: up to 9999-12-31T23:59:59.999Z.
INSTANT_MAX: Final = Instant(253_402_300_799_999)

Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0.0)]
Cpus: TypeAlias = Annotated[float, Meta(gt=0.0)]
#: In MiB.
Mem: TypeAlias = Annotated[float, Meta(gt=0.0)]
Disk: TypeAlias = Annotated[float, Meta(ge=0.0)]
Words: TypeAlias = Annotated[str, Meta(min_length=1)]
Factor: TypeAlias = Annotated[float, Meta(ge=1.0)]


class Part(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """Anything in a job."""


# --- when -------------------------------------------------------------------------


class Period(Struct, frozen=True, omit_defaults=True, gc=False):
    """
    An ISO 8601 duration, its parts as they were written.

    Years to days are added to the local time, hours to milliseconds to the instant that
    this gives: ``P1D`` keeps the time of day, ``PT24H`` the distance.
    """

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0
    milliseconds: int = 0


class Repeating(Struct, frozen=True, tag="repeating", omit_defaults=True, gc=False):
    """``R[n]/start/period``: instant k is ``anchor`` + k x ``period``."""

    #: Local time in ``zone``, without an offset of its own; whole milliseconds.
    anchor: datetime
    period: Period
    #: Instants in all, the first at the anchor; ``None`` never ends.
    count: int | None = None
    #: As the zone data call it. Empty: the fixed ``offset_s``.
    zone: str = ""
    #: East of Greenwich, in seconds; without meaning if there is a zone.
    offset_s: int = 0


class Cron(Struct, frozen=True, tag="cron", omit_defaults=True, gc=False):
    """Instants that any of the expressions names, from ``since`` on; ours."""

    expressions: tuple[str, ...]
    #: Nothing is due before; set when the job is first asked for.
    since: Instant
    zone: str = "UTC"
    #: Local days without any instant.
    without: tuple[date, ...] = ()


Timetable: TypeAlias = Repeating | Cron


class CatchUp(StrEnum):
    """Which instants are served that passed while nobody could."""

    #: The newest; the others are skipped. What Chronos 3 does.
    ONE = "one"
    #: Those that are not later than the starting deadline. What Chronos 2 does.
    NONE = "none"
    #: All, but the newest ``catch_up_max`` at most.
    ALL = "all"


class Concurrency(StrEnum):
    """What happens to a run that is due while another of its job has not ended."""

    #: Both run; ``concurrent`` in the API's own words.
    ALLOW = "allow"
    #: It is skipped.
    SKIP = "skip"
    #: It waits; of several that wait the newest stays, unless all are to be caught up with.
    #: Not ``concurrent`` in the API's own words.
    QUEUE = "queue"
    #: The other is killed, then it runs.
    REPLACE = "replace"


class Trigger(StrEnum):
    """Which ends of parents count for a dependent job."""

    SUCCESS = "success"
    FAILURE = "failure"
    ALWAYS = "always"


# --- what -------------------------------------------------------------------------


class Operator(StrEnum):
    """How a constraint compares an agent's attribute."""

    EQUALS = "EQUALS"
    LIKE = "LIKE"
    UNLIKE = "UNLIKE"


class Constraint(Struct, frozen=True, array_like=True, gc=False):
    """``[attribute, OPERATOR, value]``; ``hostname`` is an attribute of every agent."""

    attribute: str
    operator: Operator
    value: str


class Fetch(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A file that the agent brings into the sandbox; names are the API's, in snake case."""

    uri: Words
    output_file: str = ""
    executable: bool = False
    cache: bool = False
    extract: bool = True


class Occasion(StrEnum):
    """When somebody is told."""

    FAILURE = "failure"
    SUCCESS = "success"
    #: A success after a failure.
    RECOVERY = "recovery"
    #: Not started ``late_after_seconds`` after its instant.
    LATE = "late"
    #: Still running after ``long_after_seconds``.
    LONG = "long"
    SKIPPED = "skipped"
    DISABLED = "disabled"
    REMOVED = "removed"


#: What Chronos tells of by itself: retries are used up, disabled, removed.
USUAL_OCCASIONS: Final = (Occasion.FAILURE, Occasion.DISABLED, Occasion.REMOVED)


class Channel(StrEnum):
    """How somebody is told."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    SLACK = "slack"


class Hook(Part, frozen=True):
    """Somebody who is told of one job; ours."""

    channel: Channel
    #: An address of mail, or a URL.
    target: Words
    occasions: tuple[Occasion, ...] = USUAL_OCCASIONS


class JobSpec(Part, frozen=True):
    """
    What is wished: one job, validated, with all defaults filled in.

    It has a timetable or parents, never both.  Fields after ``parents`` are ours; clients
    that do not know them never see them.  The API's ``schedule`` and ``concurrent`` are
    told from ``timetable`` and ``concurrency``.
    """

    name: JobName
    command: str = ""
    shell: bool = True
    #: Empty: the agent's own; else the path of a custom executor.
    executor: str = ""
    executor_flags: str = ""
    task_info_data: str = ""
    #: Attempts after the first one of the same instant.
    retries: Annotated[int, Meta(ge=0, le=9_999)] = 2
    #: Addresses, separated by commas.
    owner: str = ""
    owner_name: str = ""
    description: str = ""
    #: Whether success is told by a call, not by the end of the task (Chronos 2).
    is_async: bool = field(default=False, name="async")
    cpus: Cpus = 0.1
    mem: Mem = 128.0
    disk: Disk = 256.0
    disabled: bool = False
    #: Whether a failure counts as a success for dependents.
    soft_error: bool = False
    data_processing_job_type: bool = False
    #: Starts before all others that wait; ``priority`` orders among equals.
    high_priority: bool = False
    run_as_user: str = ""
    uris: tuple[str, ...] = ()
    fetch: tuple[Fetch, ...] = ()
    arguments: tuple[str, ...] = ()
    environment_variables: tuple[tuple[str, str], ...] = ()
    constraints: tuple[Constraint, ...] = ()
    #: Seconds that a run may take; 0 is for ever.
    max_completion_time: Count = 0
    timetable: Timetable | None = None
    #: As it was given; the timetable has the zone that it means.
    schedule_time_zone: str = ""
    parents: tuple[JobName, ...] = ()

    #: How late a run may start (``epsilon``), in seconds; ``None`` is any time.
    starting_deadline_seconds: Seconds | None = None
    catch_up: CatchUp = CatchUp.ONE
    catch_up_max: Annotated[int, Meta(ge=1, le=1_000)] = 10
    concurrency: Concurrency = Concurrency.QUEUE
    trigger: Trigger = Trigger.SUCCESS
    #: Before the first retry; ``None`` is the operator's. Each further one waits
    #: ``retry_factor`` longer, up to ``retry_delay_max_seconds``.
    retry_delay_seconds: Seconds | None = None
    retry_factor: Factor = 1.0
    retry_delay_max_seconds: Seconds = 3_600.0
    #: Failures in a row until it is disabled; ``None`` is the operator's, 0 never.
    disable_after_failures: Count | None = None
    priority: Annotated[int, Meta(ge=-1_000, le=1_000)] = 0
    #: Starts are spread over so many seconds by a hash of the name; the instant stays.
    spread_seconds: Seconds = 0.0
    #: Until a run on an agent that is away has failed.
    unreachable_seconds: Seconds = 300.0
    late_after_seconds: Seconds | None = None
    long_after_seconds: Seconds | None = None
    labels: Mapping[str, str] = {}
    hooks: tuple[Hook, ...] = ()
    #: Ended runs that are kept.
    history_limit: Annotated[int, Meta(ge=1, le=1_000)] = 20

    @property
    def is_dependent(self) -> bool:
        """Whether it runs after others, not on a clock."""
        return bool(self.parents)
