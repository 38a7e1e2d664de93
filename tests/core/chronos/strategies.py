"""Hypothesis strategies for timetables, and for jobs with everything that they can have."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import strategies as st

from mesostw.model.jobs import (
    CatchUp,
    Channel,
    Concurrency,
    Constraint,
    Cron,
    Fetch,
    Hook,
    Instant,
    JobName,
    JobSpec,
    Occasion,
    Operator,
    Period,
    Repeating,
    Timetable,
    Trigger,
)

#: Clocks that change by an hour, by half of one, the other way round, and by a whole day.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
)

#: One of each kind, and mixtures of them.
PERIODS = (
    Period(days=1),
    Period(hours=24),
    Period(months=1),
    Period(years=1),
    Period(weeks=1),
    Period(months=1, days=2, hours=3),
    Period(years=1, months=1, days=1, minutes=1),
    Period(minutes=90),
    Period(days=1, seconds=1),
    Period(seconds=1, milliseconds=500),
)

zones = st.sampled_from(ZONES)
periods = st.one_of(
    st.sampled_from(PERIODS),
    st.builds(
        Period,
        months=st.integers(0, 14),
        days=st.integers(0, 40),
        hours=st.integers(0, 30),
        seconds=st.integers(1, 100),
    ),
)
#: Around a change of each of the zones, and any other time.
anchors = st.one_of(
    st.sampled_from(
        [
            datetime.fromisoformat(text)
            for text in (
                "2024-01-31T02:15:00",
                "2024-02-29T02:15:00",
                "2024-03-30T02:15:00",
                "2024-10-26T02:30:00",
                "2024-03-09T02:30:00",
                "2024-11-02T01:30:00",
                "2024-10-05T02:10:00",
                "2024-03-09T03:30:00",
                "2011-12-28T10:00:00",
                "2011-12-30T10:00:00",
            )
        ]
    ),
    st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2037-12-31")).map(
        # No text of an anchor says which of two hours is meant.
        lambda at: at.replace(microsecond=at.microsecond // 1_000 * 1_000, fold=0)
    ),
)
counts = st.one_of(st.none(), st.integers(1, 60))
offsets = st.integers(-18, 18).map(lambda hours: hours * 3600)
repeatings = st.one_of(
    st.builds(Repeating, anchors, periods, counts, zones),
    st.builds(
        Repeating, anchors, periods, counts, offset_s=st.integers(-18, 18).map(lambda n: n * 3600)
    ),
)
instants = st.integers(0, 2_200_000_000_000).map(Instant)
crons = st.builds(
    Cron,
    st.lists(
        st.sampled_from(
            [
                "0 7 * * 1-5",
                "30 2 * * *",
                "0 0 1 * *",
                "15 */3 * * *",
                "*/20 1 * * *",
                "0 30 1 * * *",
            ]
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
    st.integers(1_700_000_000_000, 1_767_000_000_000).map(Instant),
    zones,
    #: In order, as documents have them.
    st.sets(st.dates(date(2023, 11, 1), date(2026, 1, 31)), max_size=3).map(
        lambda days: tuple(sorted(days))
    ),
)
timetables: st.SearchStrategy[Timetable] = st.one_of(repeatings, crons)

# --- jobs -----------------------------------------------------------------------------

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
some_words = words.filter(bool)
amounts = st.floats(0.001, 1e6).map(float)
seconds = st.one_of(st.integers(0, 10**6).map(float), st.floats(0.0, 1e6))
maybe_seconds = st.one_of(st.none(), seconds)
names = st.from_regex(r"[a-z][\w #.-]{0,20}", fullmatch=True).map(JobName)
hooks = st.one_of(
    st.builds(
        Hook,
        channel=st.just(Channel.MAIL),
        target=st.just("ops@example.org"),
        occasions=st.lists(st.sampled_from(Occasion), max_size=3).map(tuple),
    ),
    st.builds(
        Hook,
        channel=st.sampled_from([Channel.WEBHOOK, Channel.SLACK]),
        target=st.just("https://example.org/hook"),
    ),
)
fetches = st.builds(
    Fetch,
    uri=some_words,
    output_file=words,
    executable=st.booleans(),
    cache=st.booleans(),
    extract=st.booleans(),
)
#: ``uris`` or ``fetch``, as documents have them.
files = st.one_of(
    st.fixed_dictionaries({"uris": st.lists(some_words, max_size=2).map(tuple)}),
    st.fixed_dictionaries({"fetch": st.lists(fetches, max_size=2).map(tuple)}),
)
#: A timetable with the zone as it was written, or the parent ``parent``.
times = st.one_of(
    repeatings.map(lambda t: {"timetable": t, "schedule_time_zone": t.zone}),
    crons.map(lambda t: {"timetable": t, "schedule_time_zone": t.zone}),
    st.just({"parents": (JobName("parent"),)}),
)
_fields = st.fixed_dictionaries(
    {
        "name": names,
        "command": some_words,
        "executor": words,
        "executor_flags": words,
        "task_info_data": words,
        "owner": words,
        "owner_name": words,
        "description": words,
        "run_as_user": words,
        "shell": st.booleans(),
        "is_async": st.booleans(),
        "disabled": st.booleans(),
        "soft_error": st.booleans(),
        "data_processing_job_type": st.booleans(),
        "high_priority": st.booleans(),
        "retries": st.integers(0, 9_999),
        "max_completion_time": st.integers(0, 2**31 - 1),
        "cpus": amounts,
        "mem": amounts,
        "disk": amounts,
        "arguments": st.lists(words, max_size=2).map(tuple),
        "environment_variables": st.lists(
            st.tuples(some_words.filter(lambda text: "=" not in text), words), max_size=2
        ).map(tuple),
        "constraints": st.lists(
            st.builds(Constraint, words, st.sampled_from(Operator), st.just("a.*")), max_size=2
        ).map(tuple),
        "starting_deadline_seconds": maybe_seconds,
        "catch_up": st.sampled_from(CatchUp),
        "catch_up_max": st.integers(1, 1_000),
        "concurrency": st.sampled_from(Concurrency),
        "trigger": st.sampled_from(Trigger),
        "retry_delay_seconds": maybe_seconds,
        "retry_factor": st.floats(1.0, 100.0),
        "retry_delay_max_seconds": seconds,
        "disable_after_failures": st.one_of(st.none(), st.integers(0, 100)),
        "priority": st.integers(-1_000, 1_000),
        "spread_seconds": seconds,
        "unreachable_seconds": seconds,
        "late_after_seconds": maybe_seconds,
        "long_after_seconds": maybe_seconds,
        "labels": st.dictionaries(words, words, max_size=2),
        "hooks": st.lists(hooks, max_size=2).map(tuple),
        "history_limit": st.integers(1, 1_000),
    }
)
#: Every field has something; those of a kind that excludes another are left out.
job_specs: st.SearchStrategy[JobSpec] = st.builds(
    lambda fields, kept, when: JobSpec(**fields, **kept, **when), _fields, files, times
)
