"""Back-off of apps whose instances fail."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.marathon import delays, queue
from mesostw.core.marathon.records import Condition, Waiting
from mesostw.core.marathon.words import DelayResetAsked, Unfit
from mesostw.core.scheduling import ReviveOffers
from mesostw.model.apps import AppId
from tests.core.marathon.builders import V1, V2, V3, World, app, instance


class DelayTests(SynchronousTestCase):
    """How a delay grows and goes."""

    def setUp(self) -> None:
        self.world = World()
        self.app = app(backoff_seconds=2, backoff_factor=3.0, max_launch_delay_seconds=60)
        self.world.add(self.app)

    def _failed(self) -> float:
        self.world.run(delays.failed, self.app.id, V1)
        return self._left()

    def _left(self) -> float:
        delay = self.world.state.delays.get(self.app.id)
        return 0.0 if delay is None else delay.until - self.world.now.wall

    def _swept_after(self, seconds: float) -> float:
        self.world.later(seconds)
        self.world.run(delays.swept)
        return self._left()

    def test_growth(self) -> None:
        """The first is ``backoffSeconds``, the next the factor times it, up to the longest."""
        self.assertEqual([self._failed() for _ in range(5)], [2, 6, 18, 54, 60])

    def test_counted_from_now(self) -> None:
        """A delay begins with the failure that it follows."""
        self._failed()
        self.world.later(30)
        self.assertEqual(self._failed(), 6)

    def test_longest_is_short(self) -> None:
        """No delay is longer than the longest, not even the first."""
        short = app("/b", backoff_seconds=9, max_launch_delay_seconds=4)
        self.world.add(short)
        self.world.run(delays.failed, short.id, V1)
        self.assertEqual(self.world.state.delays[short.id].delay_s, 4)

    def test_clock_set_back(self) -> None:
        """An hour that comes twice does not back an app off for it."""
        self._failed()
        waiting = Waiting(self.app.id, V1, V1, "*", 1, 0.0)
        wall = self.world.now.wall
        self.assertEqual(delays.until_of(self.world.state, waiting, wall), wall + 2)
        self.assertIsNone(delays.until_of(self.world.state, waiting, wall - 3_600))

    def test_none_wished(self) -> None:
        """An app that does not back off has no delay."""
        eager = app("/b", backoff_seconds=0)
        self.world.add(eager)
        self.world.run(delays.failed, eager.id, V1)
        self.assertNotIn(eager.id, self.world.state.delays)

    def test_unknown(self) -> None:
        """An app that is gone has no delay."""
        self.world.run(delays.failed, AppId("/gone"), V1)
        self.assertEqual(self.world.state.delays, {})

    def test_forgotten(self) -> None:
        """A delay is forgotten when the longest has passed since it began."""
        self._failed()
        self.assertEqual(self._swept_after(59), -57)
        self.assertIn(self.app.id, self.world.state.delays)
        self._swept_after(10)
        self.assertEqual(self.world.state.delays, {})
        self.assertEqual(self._failed(), 2)

    def test_swept_seldom(self) -> None:
        """Delays are looked through every ``SWEEP_S``."""
        self._failed()
        self._swept_after(61 - delays.SWEEP_S / 2)
        self._swept_after(delays.SWEEP_S / 2)
        self.assertIn(self.app.id, self.world.state.delays)

    def test_slow_crashes(self) -> None:
        """A start begins the time anew: crashes grow the delay also if they take long."""
        self._failed()
        self.world.later(40)
        self.world.add(instance(self.app, Condition.STARTING, config=V1, since=self.world.now.wall))
        self._swept_after(30)
        self.assertEqual(self._failed(), 6)

    def test_new_configuration(self) -> None:
        """Another configuration begins without a delay."""
        self._failed()
        self._failed()
        self.app = app(version=V2, backoff_seconds=2)
        self.world.add(self.app)
        self.world.run(queue.wanted, self.app, 1)
        waiting = self.world.state.waiting[self.app.id]
        self.assertIsNone(delays.until_of(self.world.state, waiting, self.world.now.wall))
        self.world.run(delays.failed, self.app.id, V2)
        self.assertEqual(self._left(), 2)

    def test_older_configuration(self) -> None:
        """What remains of an older configuration does not touch the newer one's delay."""
        newer = app(version=V2, backoff_seconds=7)
        self.world.add(newer)
        self.world.run(delays.failed, self.app.id, V2)
        self.world.run(delays.failed, self.app.id, V1)
        self.assertEqual(self.world.state.delays[self.app.id].config, V2)

    def test_newer_configuration_after_a_way_back(self) -> None:
        """When an app is as it was before, failures of what came between say nothing of it."""
        self.world.add(app(version=V2), replace(self.app, version=V3))
        self.world.run(delays.failed, self.app.id, V2)
        self.assertEqual(self._failed(), 2)
        self.world.run(delays.failed, self.app.id, V2)
        self.assertEqual(self.world.state.delays[self.app.id].config, V1)


class ResetTests(SynchronousTestCase):
    """Somebody wants an app launched at once."""

    def setUp(self) -> None:
        self.world = World()
        self.world.live.registered = True
        self.app = app()
        self.world.add(self.app)

    def _asked(self) -> Unfit | None:
        return self.world.run(delays.reset_asked, DelayResetAsked(self.app.id))

    def test_unknown(self) -> None:
        """An app that waits for nothing is not there; the words are the API's."""
        answer = self._asked()
        assert answer is not None
        self.assertEqual(
            (answer.reason, answer.message),
            ("unknown", "Application /a not found in tasks queue."),
        )

    def test_backed_off(self) -> None:
        """The delay ends, and offers that were refused because of it are asked for again."""
        self.world.run(queue.wanted, self.app, 1)
        self.world.run(delays.failed, self.app.id, V1)
        self.world.later(10)
        self.world.clear()
        self.assertIsNone(self._asked())
        self.assertEqual(self.world.state.delays, {})
        self.assertEqual(self.world.did(ReviveOffers), [ReviveOffers(("*",))])

    def test_without_delay(self) -> None:
        """An app that waits without a delay is left as it is."""
        self.world.run(queue.wanted, self.app, 1)
        self.world.clear()
        self.assertIsNone(self._asked())
        self.assertEqual(self.world.changes, [])
