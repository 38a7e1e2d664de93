"""How a rolling change stays inside its limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon.capacity import (
    Limits,
    Move,
    Standing,
    is_done,
    limits_of,
    next_move,
)
from mesostw.model.apps import UpgradeStrategy


def limits(wanted: int, least: float, over: float) -> Limits:
    """Limits by number and shares."""
    return limits_of(
        wanted, UpgradeStrategy(minimum_health_capacity=least, maximum_over_capacity=over)
    )


def healthy(count: int) -> Standing:
    """Old instances that all serve."""
    return Standing(old_healthy=count)


def documented(at: Limits, standing: Standing) -> Move:
    """Marathon's arithmetic when a change begins, as it is written down."""
    healthy_old, most = standing.old_healthy, at.active_max
    kill_now = max(0, healthy_old - at.healthy_min)
    if at.healthy_min == most and most <= healthy_old:
        most += 1
    if at.wanted < standing.old:
        kill_now = max(kill_now, standing.old - at.wanted)
    return Move(kill_now, 0, max(0, min(at.wanted, most - standing.old)))


class LimitsTests(SynchronousTestCase):
    """Shares become counts."""

    def test_at_least_is_rounded_up_and_at_most_down(self) -> None:
        """Three instances of which half serve are two; a fifth more than three is three."""
        self.assertEqual(limits(3, 0.5, 0.2), Limits(3, 2, 3))

    def test_binary_fractions_make_no_difference(self) -> None:
        """15 % more than 100 is 115, though the product of floats is a little less."""
        self.assertLess(100 * 1.15, 115)
        self.assertEqual(limits(100, 0.07, 0.15), Limits(100, 7, 115))

    def test_limits_that_meet_give_way_by_one_while_enough_serve(self) -> None:
        """With {1, 0} one more may be there, but only while all serve."""
        meeting = limits(4, 1.0, 0.0)
        self.assertEqual(meeting.active_max_while(4), 5)
        self.assertEqual(meeting.active_max_while(3), 4)

    def test_limits_apart_never_give_way(self) -> None:
        """{0.5, 0} has room to move by ending some."""
        self.assertEqual(limits(4, 0.5, 0.0).active_max_while(4), 4)


class FirstMoveTests(SynchronousTestCase):
    """What a change begins with, in Marathon's own examples."""

    def test_worked_examples(self) -> None:
        """Instances that all serve, and the two shares: so many end, so many start."""
        for wanted, least, over, kill, launch in (
            (4, 1.0, 1.0, 0, 4),
            (4, 0.5, 0.0, 2, 0),
            (4, 1.0, 0.0, 0, 1),
            (1, 0.0, 0.0, 1, 0),
            # 3 x 0.5 is rounded up to 2 that serve, 3 x 1.2 down to 3 places.
            (3, 0.5, 0.2, 1, 0),
            (10, 0.9, 0.1, 1, 1),
            (1, 1.0, 0.0, 0, 1),
        ):
            with self.subTest(wanted=wanted, least=least, over=over):
                move = next_move(limits(wanted, least, over), healthy(wanted))
                self.assertEqual(move, Move(kill, 0, launch))

    def test_three_with_half_and_a_fifth_start_one_for_the_one_that_ends(self) -> None:
        """n=3 {0.5, 0.2}: when the first has ended there is room for one."""
        move = next_move(limits(3, 0.5, 0.2), healthy(2))
        self.assertEqual(move, Move(0, 0, 1))

    def test_fewer_wished_than_there_are_end_first(self) -> None:
        """Six that become four: two go at once, even if none is to spare else."""
        self.assertEqual(next_move(limits(4, 1.0, 0.0), healthy(6)).kill_old, 2)

    def test_surplus_goes_also_if_it_is_broken(self) -> None:
        """Six of which three are broken become four: two go, and none of those that serve."""
        standing = Standing(old_healthy=3, old_broken=3)
        self.assertEqual(next_move(limits(4, 1.0, 0.0), standing).kill_old, 2)

    def test_is_as_documented_at_the_beginning(self) -> None:
        """Deciding from the moment is Marathon's own arithmetic when a change begins."""
        for wanted in range(1, 12):
            for least in (0.0, 0.25, 0.5, 1.0):
                for over in (0.0, 0.3, 1.0):
                    at = limits(wanted, least, over)
                    for old in range(wanted + 3):
                        with self.subTest(limits=at, old=old):
                            standing = healthy(old)
                            self.assertEqual(next_move(at, standing), documented(at, standing))


class NextMoveTests(SynchronousTestCase):
    """What a change does in the middle."""

    def test_one_ends_for_each_that_serves(self) -> None:
        """n=4 {1, 1}: four start; when one is ready, one old one ends."""
        at = limits(4, 1.0, 1.0)
        self.assertEqual(next_move(at, Standing(old_healthy=4, fresh=4)), Move(0, 0, 0))
        self.assertEqual(next_move(at, Standing(old_healthy=4, fresh=4, ready=1)), Move(1, 0, 0))

    def test_limits_that_meet_go_on_after_the_first_replacement(self) -> None:
        """n=4 {1, 0} with one replaced: the ready one counts, and the next one starts."""
        at = limits(4, 1.0, 0.0)
        self.assertEqual(next_move(at, Standing(old_healthy=3, fresh=1, ready=1)).launch, 1)

    def test_what_is_dying_takes_its_place(self) -> None:
        """n=1 {0, 0}: nothing starts before the old one has ended."""
        at = limits(1, 0.0, 0.0)
        self.assertEqual(next_move(at, Standing(dying=1)), Move(0, 0, 0))
        self.assertEqual(next_move(at, Standing()), Move(0, 0, 1))

    def test_a_broken_one_ends_if_nothing_else_can_move(self) -> None:
        """n=4 {1, 0} and all old ones broken: one ends, rather than waiting for ever."""
        self.assertEqual(next_move(limits(4, 1.0, 0.0), Standing(old_broken=4)), Move(1, 0, 0))

    def test_broken_ones_end_one_after_the_other(self) -> None:
        """While one is dying there is going to be room: no second one ends for it."""
        at = limits(4, 1.0, 0.0)
        self.assertEqual(next_move(at, Standing(old_broken=3, dying=1)), Move(0, 0, 0))

    def test_unknown_ones_are_waited_for(self) -> None:
        """After a restart of Marathon nothing is known of the old ones: none of them ends."""
        self.assertEqual(next_move(limits(4, 1.0, 0.0), Standing(old_unknown=4)), Move(0, 0, 0))

    def test_new_ones_over_the_number_end(self) -> None:
        """What is more than wished goes, also if it is of the wished configuration."""
        move = next_move(limits(2, 0.0, 0.0), Standing(fresh=3, ready=3))
        self.assertEqual(move.kill_fresh, 1)

    def test_nothing_wished_is_done_when_nothing_is_there(self) -> None:
        """A change to no instances ends them all."""
        at = limits(0, 1.0, 1.0)
        self.assertEqual(next_move(at, healthy(2)).kill_old, 2)
        self.assertTrue(is_done(at, Standing()))
        self.assertFalse(is_done(at, Standing(dying=1)))


class Rollout:
    """A change that is moved on step by step; counts only, no instances."""

    def __init__(self, at: Limits, healthy: int, unknown: int, broken: int) -> None:
        self.at = at
        self.old = {"healthy": healthy, "unknown": unknown, "broken": broken}
        self.pending = 0
        self.ready = 0
        self.dying = 0

    def standing(self) -> Standing:
        return Standing(
            old_healthy=self.old["healthy"],
            old_unknown=self.old["unknown"],
            old_broken=self.old["broken"],
            fresh=self.pending + self.ready,
            ready=self.ready,
            dying=self.dying,
        )

    def move(self) -> None:
        """Do what is decided, and find the limits kept."""
        before = self.standing()
        move = next_move(self.at, before)
        most = self.at.active_max_while(before.serving)
        assert not move.launch or before.active + move.launch <= most
        assert not move.kill_fresh, "more new ones than wished were started"
        kill = move.kill_old
        assert kill <= before.old
        for kind in ("broken", "unknown", "healthy"):
            gone = min(kill, self.old[kind])
            self.old[kind] -= gone
            self.dying += gone
            kill -= gone
        self.pending += move.launch
        after = self.standing()
        served = before.serving - after.serving
        assert not served or after.serving >= self.at.healthy_min, "too few serve by our own doing"

    def happenings(self) -> list[str]:
        return [
            *(["ends"] if self.dying else []),
            *(["serves"] if self.pending else []),
            *(["known"] if self.old["unknown"] else []),
            *(["crash"] if self.pending or self.ready else []),
            *(["breaks"] if self.old["healthy"] else []),
        ]

    def happens(self, what: str) -> None:
        match what:
            case "ends":
                self.dying -= 1
            case "serves":
                self.pending -= 1
                self.ready += 1
            case "known":
                self.old["unknown"] -= 1
                self.old["healthy"] += 1
            case "crash" if self.pending:
                self.pending -= 1
            case "crash":
                self.ready -= 1
            case _:
                self.old["healthy"] -= 1
                self.old["broken"] += 1


SHARES = st.sampled_from((0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0))


class RolloutTests(SynchronousTestCase):
    """Whatever happens in between, the limits are kept and the change ends."""

    @given(
        wanted=st.integers(0, 8),
        least=SHARES,
        over=SHARES,
        old=st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 4)),
        data=st.data(),
    )
    def test_keeps_its_limits_and_ends(
        self,
        wanted: int,
        least: float,
        over: float,
        old: tuple[int, int, int],
        data: st.DataObject,
    ) -> None:
        """Events in any order, a few crashes among them: never too few, never too many, an end."""
        rollout = Rollout(limits(wanted, least, over), *old)
        trouble = 6
        for _ in range(400):
            rollout.move()
            if is_done(rollout.at, rollout.standing()):
                return
            open_ = rollout.happenings()
            if not trouble:
                open_ = [one for one in open_ if one not in {"crash", "breaks"}]
            assert open_, f"stuck: {rollout.standing()}"
            what = data.draw(st.sampled_from(open_))
            trouble -= what in {"crash", "breaks"}
            rollout.happens(what)
        self.fail(f"no end: {rollout.standing()}")
