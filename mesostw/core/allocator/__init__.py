"""
Fair sharing of agents' resources among frameworks, without time or chance of its own.

``order`` keeps siblings by share, ``fairness`` is the tree of roles and
frameworks over it, ``filters`` what was refused, ``rounds`` which agents to look
at, ``members`` the frameworks as bits of masks; ``allocator`` joins them.
"""

from mesostw.core.allocator.allocator import Allocator
from mesostw.core.allocator.filters import refuse_seconds
from mesostw.core.allocator.minimums import Minimum, minimum_of
from mesostw.core.allocator.why import Fact, Grant, Why

__all__ = ["Allocator", "Fact", "Grant", "Minimum", "Why", "minimum_of", "refuse_seconds"]
