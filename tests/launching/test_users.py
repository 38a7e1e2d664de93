"""Tests of what is kept of users."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.launching.users import Identity, Users


class UsersTests(SynchronousTestCase):
    """What one child has found, the next need not ask for."""

    def test_a_line_is_learnt(self) -> None:
        """What a child has found is known to the next, with all its groups."""
        users = Users()
        ada = Identity(1000, 1001, (1001, 4))
        self.assertIsNone(users.known("ada"))
        self.assertEqual(users.learnt("ada", ada.line()), b"")
        self.assertEqual(users.known("ada"), ada)
        self.assertIsNone(users.known("bob"))

    def test_a_fault_after_it_is_left(self) -> None:
        """A child that found its user and failed later has told both."""
        users = Users()
        fault = b'["LIMIT", "no such limit"]'
        self.assertEqual(users.learnt("ada", Identity(1, 1, ()).line() + fault), fault)
        self.assertEqual(users.known("ada"), Identity(1, 1, ()))

    def test_a_fault_alone_teaches_nothing(self) -> None:
        """A user that is not there is asked for again."""
        users = Users()
        fault = b'["USER", "there is no user"]'
        self.assertEqual(users.learnt("ada", fault), fault)
        self.assertIsNone(users.known("ada"))
