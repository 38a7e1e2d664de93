"""The rules that jobs are held to: each finds what breaks it, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise, permutations
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing import chronos_checks as checks
from mesostw.testing.chronos_checks import Definition, Record, Seen, Target, Trouble

EVERY_TEN = Definition(job="a", seconds=10, count=5, epsilon_s=3, start=checks.EPOCH)


def seen(number: int, *, late_s: float = 0.5, attempt: int = 0, took_s: float = 1.0) -> Seen:
    """A run of instant ``number`` of ``EVERY_TEN``."""
    start = number * 10 + late_s
    return Seen(
        job="a",
        instant=number * 10_000,
        attempt=attempt,
        task_id=f"t{number}.{attempt}",
        host="n1",
        start=start,
        end=start + took_s,
    )


def record(number: int, state: str = "succeeded", **others: object) -> Record:
    """What Chronos says of that run."""
    run = Record(
        id=f"r{number}",
        job="a",
        instant=number * 10_000,
        attempt=0,
        state=state,
        task_id=f"t{number}.0",
        ended_at=number * 10 + 1.5,
    )
    return replace(run, **others)


class InstantTests(SynchronousTestCase):
    """A second way to count instants."""

    def test_seconds(self) -> None:
        """The count is of instants, the first at the start."""
        self.assertEqual(checks.instants(EVERY_TEN, 1e9), [0, 10_000, 20_000, 30_000, 40_000])
        self.assertEqual(checks.instants(EVERY_TEN, 15), [0, 10_000])

    def _hours(self, zone: str, local: str) -> list[float]:
        start = datetime.fromisoformat(local)
        wish = Definition(job="a", start=start, days=1, count=3, zone=zone)
        found = checks.instants(wish, 1e11)
        return [(after - before) / 3_600_000 for before, after in pairwise(found)]

    def test_night_of_spring_in_berlin(self) -> None:
        """Half past two is left out on that day: it is half past three."""
        self.assertEqual(self._hours("Europe/Berlin", "2026-03-28T02:30"), [24, 23])

    def test_night_of_autumn_in_new_york(self) -> None:
        """Half past one comes twice: the first one counts."""
        self.assertEqual(self._hours("America/New_York", "2026-10-31T01:30"), [24, 25])

    def test_night_of_spring_on_lord_howe(self) -> None:
        """Clocks are put forward by half an hour there."""
        found = self._hours("Australia/Lord_Howe", "2026-10-03T02:15")
        self.assertEqual(found, [24, 23.5])

    def test_ends_of_months(self) -> None:
        """The 31st is the last day of a shorter month, and does not drift."""
        wish = Definition(job="a", start=datetime.fromisoformat("2026-01-31"), months=1, count=3)
        days = [datetime.fromtimestamp(at / 1000, UTC).day for at in checks.instants(wish, 1e11)]
        self.assertEqual(days, [31, 28, 31])


TIMES = st.integers(0, 12)


class MatchingTests(SynchronousTestCase):
    """The sweep finds as many pairs as there can be."""

    @given(st.lists(st.tuples(TIMES, TIMES), max_size=5), st.lists(TIMES, max_size=5))
    def test_as_brute_force(self, spans: list[tuple[int, int]], starts: list[int]) -> None:
        """No other way to pair targets and starts serves more of them."""
        wished = [Target(due, due + length) for due, length in spans]
        pairs = checks.matched(wished, starts)
        self.assertEqual(len(set(pairs.values())), len(pairs))
        for target, start in pairs.items():
            self.assertTrue(wished[target].due <= starts[start] <= wished[target].deadline)
        most = 0
        padded = [*starts, *[None] * len(wished)]
        for order in set(permutations(padded, len(wished))):
            fits = [
                start is not None and one.due <= start <= one.deadline
                for one, start in zip(wished, order, strict=True)
            ]
            most = max(most, sum(fits))
        self.assertEqual(len(pairs), most)


class ServiceTests(SynchronousTestCase):
    """Instants and their runs."""

    def test_all(self) -> None:
        """Each instant with a run in its window is served."""
        found = checks.served(EVERY_TEN, map(seen, range(5)), 100)
        self.assertEqual((found.wished, found.served, found.findings), (5, 5, ()))
        self.assertEqual(set(found.lags), {0.5})

    def test_missing(self) -> None:
        """An instant without a run is found."""
        found = checks.served(EVERY_TEN, [seen(0), seen(1), seen(3), seen(4)], 100)
        self.assertRegex(found.findings[0].text, r"^20\.000 has no run")

    def test_late(self) -> None:
        """A run that begins after the window serves nothing."""
        runs = [*map(seen, range(4)), seen(4, late_s=3.2)]
        self.assertEqual(len(checks.served(EVERY_TEN, runs, 100).findings), 1)
        self.assertEqual(checks.served(EVERY_TEN, runs, 100, forgiven_s=1).findings, ())

    def test_unfinished(self) -> None:
        """A run that did not come to its end serves nothing."""
        runs = [*map(seen, range(4)), replace(seen(4), end=None)]
        self.assertEqual(len(checks.served(EVERY_TEN, runs, 100).findings), 1)

    def test_excused(self) -> None:
        """A window that lies wholly in a trouble is excused; one that does not is not."""
        runs = list(map(seen, range(4)))
        whole, half = Trouble(39, 44), Trouble(39, 42)
        self.assertEqual(checks.served(EVERY_TEN, runs, 100, troubles=[whole]).excused, 1)
        self.assertEqual(len(checks.served(EVERY_TEN, runs, 100, troubles=[half]).findings), 1)
        excused = checks.served(EVERY_TEN, runs, 100, troubles=[half], recovery_s=1.5)
        self.assertEqual(excused.findings, ())

    def test_bounds(self) -> None:
        """What came before the answer, or may still come, is not held against anybody."""
        late = replace(EVERY_TEN, acked_at=11.0)
        self.assertEqual(checks.served(late, (), 33).wished, 1)
        self.assertEqual(checks.served(replace(late, removed_at=20.0), (), 100).wished, 0)


class RuleTests(SynchronousTestCase):
    """A history that breaks a rule is found by it."""

    wishes: ClassVar = {"a": EVERY_TEN}

    def rules(self, *findings: tuple[checks.Finding, ...]) -> list[str]:
        """Of all that was found."""
        return [one.rule for some in findings for one in some]

    def test_nothing_wrong(self) -> None:
        """A history as it should be breaks none."""
        runs, records = list(map(seen, range(5))), list(map(record, range(5)))
        found = self.rules(
            checks.repeated(runs),
            checks.overlapping(self.wishes, runs),
            checks.unwished(self.wishes, runs),
            checks.disagreeing(runs, records),
            checks.miscounted({"a": (5, 0)}, records),
            checks.untriggered(self.wishes, records, 100, 5),
            checks.regressed(records),
            checks.overtried(self.wishes, records),
            checks.uncertain(["a"], ["a"], runs),
        )
        self.assertEqual(found, [])

    def test_repeated(self) -> None:
        """Two tasks of one attempt are one too many."""
        self.assertEqual(len(checks.repeated([seen(1), replace(seen(1), task_id="other")])), 1)
        self.assertEqual(checks.repeated([seen(1), seen(1, attempt=1)]), ())

    def test_overlapping(self) -> None:
        """A run that begins before the one before has ended overlaps, unless that is allowed."""
        runs = [seen(0, took_s=10.5), seen(1)]
        self.assertEqual(len(checks.overlapping(self.wishes, runs)), 1)
        allowed = {"a": replace(EVERY_TEN, concurrent=True)}
        self.assertEqual(checks.overlapping(allowed, runs), ())
        self.assertEqual(checks.overlapping(self.wishes, runs, lost=["t0.0"]), ())

    def test_unwished(self) -> None:
        """Too early, beyond the count, of a removed job, of no job."""
        gone = {"a": replace(EVERY_TEN, removed_at=0.0)}
        for wishes, one, text in (
            (self.wishes, seen(1, late_s=-0.5), "before its instant"),
            (self.wishes, seen(5), "no instant"),
            (gone, seen(1), "after its job was removed"),
            ({}, seen(1), "nobody ever asked"),
        ):
            (found,) = checks.unwished(wishes, [one])
            self.assertIn(text, found.text)

    def test_disagreeing(self) -> None:
        """Ends without successes and successes without ends are found, not what was lost."""
        self.assertEqual(len(checks.disagreeing([seen(1)], [])), 1)
        self.assertEqual(len(checks.disagreeing([], [record(1)])), 1)
        self.assertEqual(len(checks.disagreeing([seen(1)], [record(1, "failed")])), 1)
        self.assertEqual(checks.disagreeing([seen(1)], [record(1, "failed", lost=True)]), ())

    def test_miscounted(self) -> None:
        """A failure counts once its last attempt has failed."""
        records = [record(0), record(1, "failed"), record(2, retries="r1")]
        self.assertEqual(checks.miscounted({"a": (2, 0)}, records), ())
        self.assertEqual(len(checks.miscounted({"a": (3, 1)}, records)), 2)

    def _dependent(self, number: int, *parents: str) -> Record:
        pairs = tuple(("a", one) for one in parents)
        return record(number, job="b", cause="parents", parents=pairs, task_id="")

    def test_untriggered(self) -> None:
        """A dependent that did not follow, followed twice, or followed nothing is found."""
        wishes = {"a": EVERY_TEN, "b": Definition(job="b", parents=("a",))}
        first = record(1)
        well = self._dependent(11, "r1")
        self.assertEqual(checks.untriggered(wishes, [first, well], 100, 5), ())
        self.assertIn("nothing followed", checks.untriggered(wishes, [first], 100, 5)[0].text)
        self.assertEqual(checks.untriggered(wishes, [first], 13, 5), ())
        twice = [first, well, self._dependent(12, "r1")]
        self.assertIn("2 times", checks.untriggered(wishes, twice, 100, 5)[0].text)
        alone = [self._dependent(11)]
        self.assertIn("without a", checks.untriggered(wishes, alone, 100, 5)[0].text)
        early = [record(1, "running"), well]
        self.assertIn("is running", checks.untriggered(wishes, early, 100, 5)[0].text)

    def test_regressed(self) -> None:
        """A launch of a life that was over is found."""
        lives = [record(1, life=1), record(2, life=2), record(3, life=1)]
        self.assertEqual(len(checks.regressed(lives)), 1)
        self.assertEqual(checks.regressed(lives[:2]), ())

    def test_overtried(self) -> None:
        """One attempt more than wished, or one too soon, is found."""
        wishes = {"a": replace(EVERY_TEN, retries=1, retry_delay_s=5.0)}
        first = record(1, "failed")
        again = replace(record(2), cause="retry", attempt=1, retries="r1", not_before=16.5)
        self.assertEqual(checks.overtried(wishes, [first, again]), ())
        soon = replace(again, not_before=13.0)
        self.assertEqual(len(checks.overtried(wishes, [first, soon])), 1)
        often = replace(again, attempt=2)
        self.assertEqual(len(checks.overtried(wishes, [first, often])), 1)

    def test_uncertain(self) -> None:
        """What ran must be there."""
        self.assertEqual(len(checks.uncertain(["a"], [], [seen(1)])), 1)
        self.assertEqual(checks.uncertain(["a"], [], []), ())
