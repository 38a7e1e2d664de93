"""Hypothesis strategies for timetables."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import strategies as st

from mesostw.model.jobs import Cron, Instant, Period, Repeating, Timetable

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
        lambda at: at.replace(microsecond=at.microsecond // 1_000 * 1_000)
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
    st.one_of(st.none(), st.integers(1, 60)),
    st.lists(st.dates(date(2023, 11, 1), date(2026, 1, 31)), max_size=3).map(tuple),
)
timetables: st.SearchStrategy[Timetable] = st.one_of(repeatings, crons)
