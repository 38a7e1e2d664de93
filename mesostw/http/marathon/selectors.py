"""
Label selectors: ``environment==production, tier!=frontend, owner in (ann, bob), legacy``.

A comma is *and*.  A label has to exist in every form, also in the negative ones.  Letters,
digits and ``-_.`` stand for themselves, anything else behind a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs

from mesostw.http.api.asking import quoted
from mesostw.http.api.refusals import ApiRefusal

_WORD: Final = r"(?:[-A-Za-z0-9_.]|\\.)+"
_TERM: Final = re.compile(
    rf"\s*(?P<key>{_WORD})\s*"
    rf"(?:(?P<operator>==|!=)\s*(?P<value>{_WORD})\s*"
    rf"|(?P<set>in|notin)\s*\(\s*(?P<values>{_WORD}(?:\s*,\s*{_WORD})*)\s*\)\s*)?"
)
_VALUE: Final = re.compile(_WORD)


@attrs.frozen
class Term:
    """One condition on a label."""

    key: str
    #: ``None`` is satisfied by any value.
    values: frozenset[str] | None = None
    negative: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy it."""
        value = labels.get(self.key)
        if value is None:
            return False
        return self.values is None or (value in self.values) is not self.negative


@attrs.frozen
class Selector:
    """Conditions that all hold."""

    terms: tuple[Term, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy every condition."""
        return all(term.matches(labels) for term in self.terms)


def selector_of(text: str) -> Selector:
    """
    Read a selector.

    :raises ApiRefusal: 422, with the place where it cannot be read.
    """
    terms: list[Term] = []
    at = 0
    while True:
        found = _TERM.match(text, at)
        if found is None:
            raise _unreadable(text, at)
        terms.append(_term(found))
        at = found.end()
        if at == len(text):
            return Selector(tuple(terms))
        if text[at] != ",":
            raise _unreadable(text, at)
        at += 1


def _term(found: re.Match[str]) -> Term:
    key, operator, sets = _plain(found["key"]), found["operator"], found["set"]
    if operator is not None:
        return Term(key, frozenset({_plain(found["value"])}), operator == "!=")
    if sets is not None:
        values = frozenset(_plain(one) for one in _VALUE.findall(found["values"]))
        return Term(key, values, sets == "notin")
    return Term(key)


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word)


def _unreadable(text: str, at: int) -> ApiRefusal:
    return ApiRefusal(
        422,
        f"The label selector '{quoted(text)}' cannot be read from character {at + 1} on: write "
        "key, key==value, key!=value, key in (a,b) or key notin (a,b), with commas between.",
    )
