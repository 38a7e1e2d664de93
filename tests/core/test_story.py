"""What last happened to each thing."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.story import Line, Story


def line(number: int) -> Line:
    """Something that happened at second ``number``."""
    return Line(float(number), "Heard", f"said {number}")


class StoryTests(SynchronousTestCase):
    """A story is short, and there are few of them."""

    def test_order(self) -> None:
        """Lines of a key come oldest first, and only of that key."""
        story = Story()
        for number in range(3):
            story.note("a", line(number))
            story.note("b", line(number + 10))
        self.assertEqual([one.wall for one in story.story("a")], [0.0, 1.0, 2.0])
        self.assertEqual(story.story("c"), ())

    def test_bounded_lines(self) -> None:
        """Of each key the last lines are kept."""
        story = Story(lines_max=2)
        for number in range(5):
            story.note("a", line(number))
        self.assertEqual([one.wall for one in story.story("a")], [3.0, 4.0])

    def test_bounded_keys(self) -> None:
        """The key that nothing happened to for longest goes first."""
        story = Story(keys_max=2)
        for key in ("a", "b", "a", "c"):
            story.note(key, line(1))
        self.assertEqual([bool(story.story(key)) for key in ("a", "b", "c")], [True, False, True])
