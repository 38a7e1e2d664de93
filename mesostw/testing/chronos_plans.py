"""
Jobs for a long simulation: zones whose clocks change, ends of months, crons, chains.

Each comes with what it must do, as :class:`~mesostw.testing.chronos_checks.Definition`.  The
instants of crons are counted here, by going through days and half hours, not by stepping.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from mesostw.testing.chronos_checks import Definition

#: Clocks there change in March, April, September, October or never, by 60 or 30 minutes; in
#: Casablanca they are put back for Ramadan.
ZONES: Final = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Santiago",
    "Asia/Kolkata",
    "UTC",
)
#: Times of day: some that clocks leave out, or show twice, somewhere.
TIMES: Final = ("00:00", "01:30", "02:00", "02:30", "12:00")
#: Until a failed attempt is tried again.
RETRY_S: Final = 5.0
#: How late a run may begin; of jobs whose runs may still be in the way, and of those.
EPSILON_S: Final = 60.0
EPSILON_OF_LONG_S: Final = 7_200.0
#: Attempts that fail of a job that never ends well.
NEVER_WELL: Final = 9
#: Before that all jobs are asked for.
SET_UP_S: Final = 60.0
#: How long tasks take, at least and at most.
SHORT_S: Final = (0.5, 4.0)
LONG_S: Final = (300.0, 11_100.0)
_HALF_HOUR: Final = timedelta(minutes=30)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


class Plan(Struct, frozen=True, kw_only=True):
    """A job, what it must do, and what its tasks do."""

    document: Mapping[str, object]
    wish: Definition
    takes_s: tuple[float, float] = SHORT_S
    #: So many attempts of each instant fail; more than are made if it never ends well.
    fails: int = 0

    @property
    def name(self) -> str:
        return self.wish.job

    @property
    def ends_well(self) -> bool:
        """Whether each of its instants is served in the end."""
        return self.fails <= self.wish.retries and not self.wish.parents


class Span(Struct, frozen=True):
    """From the beginning of a day to that of another, by UTC."""

    begin: date
    days: int

    @property
    def start(self) -> float:
        """In wall seconds."""
        return datetime.combine(self.begin, time(), UTC).timestamp()

    def local_days(self) -> Iterator[date]:
        """Every day that is within it anywhere."""
        return (self.begin + number * _DAY for number in range(-1, self.days + 2))


# --- instants of crons ----------------------------------------------------------------


def of_days(span: Span, zone: str, at: time, is_wanted: Callable[[date], bool]) -> tuple[int, ...]:
    """
    A time of day on some days, in milliseconds.

    Where clocks leave it out it is the moment after that, where it comes twice the first one.
    """
    found, first = set(), (span.start + SET_UP_S) * 1000
    for day in filter(is_wanted, span.local_days()):
        local = datetime.combine(day, at)
        while not _exists(local, zone):
            local += _MINUTE
        found.add(round(local.replace(tzinfo=ZoneInfo(zone), fold=0).timestamp() * 1000))
    return tuple(sorted(one for one in found if one >= first))


def of_hours(span: Span, zone: str, minute: int, hours: Collection[int]) -> tuple[int, ...]:
    """
    Whenever clocks show that minute of one of these hours, in milliseconds.

    :param zone: whose distance from UTC is in half hours
    """
    found = []
    moment = datetime.combine(span.begin, time(minute=minute % 30), UTC)
    while moment.date() <= span.begin + (span.days + 1) * _DAY:
        local = moment.astimezone(ZoneInfo(zone))
        is_shown = local.minute == minute and local.hour in hours
        if is_shown and moment.timestamp() >= span.start + SET_UP_S:
            found.append(round(moment.timestamp() * 1000))
        moment += _HALF_HOUR
    return tuple(found)


def _exists(local: datetime, zone: str) -> bool:
    shown = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
    return shown.replace(tzinfo=None) == local


# --- jobs -----------------------------------------------------------------------------


class Planner:
    """Makes jobs as a seed has it."""

    def __init__(self, random: Random, span: Span) -> None:
        self._random, self._span = random, span
        self.plans: dict[str, Plan] = {}

    def all(self, jobs: int) -> Mapping[str, Plan]:
        """So many jobs, in about the same shares whatever their number."""
        shares = (
            (0.005, self._hourly),
            (0.005, self._long),
            (0.19, self._daily),
            (0.28, self._weekly),
            (0.24, self._monthly),
            (0.06, self._cron_of_days),
            (0.05, self._cron_of_months),
            (0.005, self._cron_of_hours),
            (0.025, self._counted),
        )
        for share, make in shares:
            for _ in range(max(1, round(share * jobs))):
                make()
        while len(self.plans) < jobs:
            self._followers(jobs - len(self.plans))
        return self.plans

    # --- kinds --------------------------------------------------------------------------

    def _hourly(self) -> None:
        self._repeating("hourly", "PT1H", at="00:00", seconds=3_600.0)

    def _long(self) -> None:
        """Some are in the way of the next."""
        self._repeating("long", "PT3H", at="00:00", seconds=10_800.0, takes_s=LONG_S)

    def _daily(self) -> None:
        self._repeating("daily", "P1D", zone=self._zone(), days=1)

    def _weekly(self) -> None:
        self._repeating("weekly", "P1W", zone=self._zone(), days=7)

    def _monthly(self) -> None:
        """Those of the last days of a month have them in shorter ones too."""
        months = self._random.choice((1, 1, 1, 2, 3))
        begin = self._span.begin
        last = begin.replace(day=1) - _DAY
        day = last.replace(day=self._random.randint(min(26, last.day), last.day))
        self._repeating("monthly", f"P{months}M", zone=self._zone(), months=months, day=day)

    def _counted(self) -> None:
        self._repeating("counted", "P1D", zone=self._zone(), days=1, count=7)

    def _repeating(
        self,
        kind: str,
        period: str,
        *,
        zone: str = "UTC",
        day: date | None = None,
        at: str = "",
        count: int | None = None,
        takes_s: tuple[float, float] = SHORT_S,
        **lengths: float,
    ) -> None:
        later = timedelta(days=self._random.randint(1, 7))
        clock = time.fromisoformat(at or self._random.choice(TIMES))
        start = datetime.combine(day or self._span.begin + later, clock)
        text = f"R{'' if count is None else count}/{start.isoformat()}Z/{period}"
        when = {"start": start, "zone": zone, "count": count, **lengths}
        self._add(kind, {"schedule": text, "scheduleTimeZone": zone}, when, takes_s=takes_s)

    def _cron_of_days(self) -> None:
        at, zone = time.fromisoformat(self._random.choice(TIMES)), self._zone()
        found = of_days(self._span, zone, at, lambda day: day.weekday() < 5)
        self._cron("weekdays", f"{at.minute} {at.hour} * * 1-5", zone, found)

    def _cron_of_months(self) -> None:
        at, zone = time.fromisoformat(self._random.choice(TIMES)), self._zone()
        number = self._random.choice((1, 15, 29, 31))
        found = of_days(self._span, zone, at, lambda day: day.day == number)
        self._cron("days of months", f"{at.minute} {at.hour} {number} * *", zone, found)

    def _cron_of_hours(self) -> None:
        zone = self._zone()
        self._cron("hours", "0 */2 * * *", zone, of_hours(self._span, zone, 0, range(0, 24, 2)))

    def _cron(self, kind: str, text: str, zone: str, listed: tuple[int, ...]) -> None:
        self._add(kind, {"cron": text, "scheduleTimeZone": zone}, {"listed": listed})

    def _followers(self, most: int) -> None:
        """A chain of two, or a diamond, after a job on a clock."""
        days = self._random.choice((1, 1, 7, 0))
        root = self._random.choice(
            [
                one.name
                for one in self.plans.values()
                if one.ends_well and one.wish.days == days and not one.wish.seconds
            ]
        )
        if most < 3 or self._random.uniform(0, 1) < 0.5:
            first = self._after(root)
            if most > 1:
                self._after(first)
        else:
            self._after(self._after(root), self._after(root))

    def _after(self, *parents: str) -> str:
        return self._add("after", {"parents": list(parents)}, {"parents": parents})

    # --- a job ----------------------------------------------------------------------------

    def _zone(self) -> str:
        return self._random.choice(ZONES)

    def _add(
        self,
        kind: str,
        schedule: Mapping[str, object],
        when: Mapping[str, Any],
        *,
        takes_s: tuple[float, float] = SHORT_S,
    ) -> str:
        random, name, is_long = self._random, f"{kind} {len(self.plans)}", takes_s is LONG_S
        often = kind in ("hourly", "long", "hours")
        fails = 0 if often else random.choices((0, 1, 2, NEVER_WELL), (40, 3, 1, 1))[0]
        # Enough to bear two machines that are lost, too.
        retries = 1 if fails == NEVER_WELL else fails + 2
        concurrency = "queue" if is_long else random.choice(("queue", "queue", "skip", "allow"))
        document = {
            "name": name,
            "command": "true",
            "cpus": 0.1,
            "mem": 32,
            "disk": 0,
            "retries": retries,
            "retryDelaySeconds": RETRY_S,
            "concurrency": concurrency,
            "historyLimit": random.choice((3, 20)),
        }
        wish = Definition(
            job=name,
            epsilon_s=EPSILON_OF_LONG_S if is_long else EPSILON_S,
            duration_s=takes_s[1],
            concurrent=concurrency == "allow",
            retries=retries,
            retry_delay_s=RETRY_S,
            acked_at=self._span.start + SET_UP_S,
            **when,
        )
        self.plans[name] = Plan(
            document={**document, **schedule}, wish=wish, takes_s=takes_s, fails=fails
        )
        return name
