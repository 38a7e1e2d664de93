"""Whatever is asked and whatever goes wrong: in the end there is what is wished."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.core.marathon.storm import storm

SEEDS = range(25)


class StormTests(SynchronousTestCase):
    """Everything at once, by seeded chance."""

    def test_all_is_as_wished_in_the_end(self) -> None:
        """After each storm every app has its instances, ready, and nothing else is left."""
        found = {seed: wrong for seed in SEEDS if (wrong := storm(seed))}
        self.assertEqual(found, {})
