"""What an operator was told is so until it is told otherwise."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.testing.operators import Register


class RegisterTests(SynchronousTestCase):
    """One value that is changed again and again."""

    def test_nothing_acknowledged(self) -> None:
        """It is what it was, or whatever was asked for."""
        register = Register()
        self.assertTrue(register.allows(None))
        register.asked += [1.0, 2.0]
        self.assertTrue(all(map(register.allows, (None, 1.0, 2.0))))
        self.assertFalse(register.allows(3.0))

    def test_acknowledged(self) -> None:
        """It is what was acknowledged last, or was asked for later."""
        register = Register()
        register.asked += [1.0, 2.0, 3.0]
        register.acknowledged = 1
        self.assertTrue(all(map(register.allows, (2.0, 3.0))))
        self.assertFalse(any(map(register.allows, (None, 1.0))))
