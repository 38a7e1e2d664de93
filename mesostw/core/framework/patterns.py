"""
Patterns of ``LIKE`` and ``UNLIKE``: written by whoever may have an app, matched for each offer.

RE2 matches in a time that is linear in the text, whatever the pattern; Python's ``re`` needs
hours for some patterns of ten characters, in which nothing else would happen.  What cannot be
matched so (looking ahead or behind, going back to what a group matched, possessive
quantifiers) is refused when it is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Protocol

import re2

#: Of one compiled pattern; some hundred times what people write.
_BYTES_MAX: Final = 256 * 1024


class _Pattern(Protocol):
    """What we use of a compiled one."""

    def fullmatch(self, text: str) -> object | None:
        """Whether all of ``text`` is matched."""


def fault_of(text: str) -> str | None:
    """What is wrong with a pattern; ``None`` if it is one."""
    try:
        _compiled(text)
    except re2.error as error:
        told = error.args[0] if error.args else ""
        return told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    except UnicodeEncodeError:
        return "it has half a character"
    return None


def fits(text: str, value: str) -> bool:
    """Whether a pattern, which must be one, matches all of ``value``."""
    return _compiled(text).fullmatch(value) is not None


@lru_cache(maxsize=512)
def _compiled(text: str) -> _Pattern:
    options = re2.Options()
    options.max_mem = _BYTES_MAX
    # What is wrong is told to who asked, and is no matter for our own output.
    options.log_errors = False
    pattern: _Pattern = re2.compile(text, options)
    return pattern
