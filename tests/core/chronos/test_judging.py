"""Whatever somebody posts is answered: with a job that is whole, or with words."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import crons, intervals, periods, timetables
from mesostw.core.chronos.changes import JobChanged
from mesostw.core.chronos.documents import Judged, judged
from mesostw.core.chronos.drafts import JobDraft
from mesostw.core.chronos.emitting import document_of
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Dialect, Form, JobAsked
from mesostw.model.jobs import Instant, JobName, JobSpec, Repeating
from tests.core.chronos.builders import STAMP, WALL, job

NOW = Instant(int(WALL * 1000))
FIELDS = [field.encode_name for field in msgspec.structs.fields(JobDraft)]

numbers = st.one_of(st.integers(-5, 5), st.integers(), st.floats())
texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["0", "1.5", "nan", "UTC", "EST", "a", "b", "one", "skip", "PT1S", "P1D"]),
    st.from_regex(r"R[0-9]{0,3}/[0-9:TZ+W.-]{0,25}/P[0-9YMWDTHS.]{0,8}", fullmatch=True),
    st.from_regex(r"([0-9*/,LHW#@-]{1,6} ){4,5}[0-9*/,LH#-]{1,6}", fullmatch=True),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
#: Mostly a good job, with anything in some of its fields.
documents = st.builds(
    lambda base, more: {**base, **more},
    st.sampled_from(
        [
            {},
            {"name": "a", "command": "true", "schedule": "R/2026-01-01T00:00:00Z/P1D"},
            {"name": "a", "command": "true", "parents": ["b"]},
            {"name": "a", "command": "true", "cron": "0 7 * * *"},
        ]
    ),
    st.dictionaries(st.one_of(st.sampled_from(FIELDS), texts), values, max_size=3),
)


class AnythingTests(SynchronousTestCase):
    """No document does harm."""

    @settings(max_examples=400, deadline=None)
    @given(
        documents,
        st.sampled_from(Dialect),
        st.sampled_from(Form),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
    def test_documents(
        self,
        document: dict[str, object],
        dialect: Dialect,
        form: Form,
        patches: bool,
        restores: bool,
        is_known: bool,
    ) -> None:
        """What is taken is a job by all rules, is due at some time, and can be shown."""
        state = ChronosState()
        state.apply(JobChanged(job("b")))
        known = job("a") if is_known or patches else None
        asked = JobAsked(
            document=document,
            dialect=dialect,
            form=form,
            patches=JobName("a") if patches else None,
            restores=restores,
        )
        found = judged(asked, known, state, ChronosFlags(), NOW)
        if not isinstance(found, Judged):
            self.assertTrue(found.message)
            self.assertTrue(found.faults)
            return
        # By the ranges of the model, which the draft has of its own.
        kept = msgspec.json.decode(msgspec.json.encode(found.spec), type=JobSpec)
        self.assertEqual(asdict(kept), asdict(found.spec))
        self.assertNotEqual(kept.timetable is None, not kept.parents)
        t = kept.timetable
        due = None if t is None else timetables.first(t)
        if t is not None and due is None:
            assert isinstance(t, Repeating), t
            self.assertEqual(t.count, 0)
        elif t is not None and due is not None:
            timetables.after(t, 0, due)
            timetables.passing(t, 0, due, NOW)
        for shown in Dialect:
            document_of(Job(kept, STAMP, STAMP), Standing(kept.name, due), shown)

    @settings(max_examples=300, deadline=None)
    @given(texts)
    def test_texts(self, text: str) -> None:
        """Schedules, durations and crons are read, or told what is wrong with them."""
        for read in (intervals.read, periods.read):
            found = read(text)
            self.assertTrue(found)
        try:
            resolved = crons.resolved(text, JobName("a"))
        except ValueError as error:
            self.assertTrue(str(error))
        else:
            self.assertEqual(crons.resolved(resolved, JobName("a")), resolved)
