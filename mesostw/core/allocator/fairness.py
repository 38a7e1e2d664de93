"""
Dominant-resource fairness over a tree: roles, roles below them, frameworks.

A node's share is the largest part that it has of any scalar in the cluster,
divided by its weight; siblings are served by share, then by how often they were
served, then by name.  A role's own frameworks stand together as one sibling,
named ``.``, of the roles below it.

Note [Newcomers]: Mesos lets a new framework start with no allocations on
record, so among idle frameworks it gets every offer until it has caught up
with the oldest.  Here it starts level with its least served sibling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from mesostw.core.allocator.order import Entry, FairOrder
from mesostw.model.names import WEIGHT_DEFAULT

#: Stale nodes above which sorting all is cheaper than moving each.
SETTLE_NODES_MAX: Final = 64
#: The name of a role's own frameworks among the roles below it; no role is named so.
OWN: Final = "."

#: Draws a number from 0 up to 1, as ``random.Random.random`` does.
Draw: TypeAlias = Callable[[], float]


class Node:
    """Whoever can be given something: a role, or a framework in a role."""

    __slots__ = ("count", "entry", "mask", "name", "parent", "spent", "weight")

    def __init__(self, name: str, parent: Branch | None, weight: float = WEIGHT_DEFAULT) -> None:
        self.name = name
        self.parent = parent
        self.weight = weight
        #: The bits of all frameworks here and below.
        self.mask = 0
        #: How often anything here was served.
        self.count = 0
        #: Thousandths by name of scalar that are offered or used here and below.
        self.spent: dict[str, int] = {}
        self.entry: Entry[Node] = (0.0, 0, name, self)


class Branch(Node):
    """A node with siblings below it, in fair order."""

    __slots__ = ("below", "order")

    def __init__(self, name: str, parent: Branch | None, weight: float = WEIGHT_DEFAULT) -> None:
        super().__init__(name, parent, weight)
        self.order: FairOrder[Node] = FairOrder()
        #: Children that are branches themselves, by name.
        self.below: dict[str, Branch] = {}


class Client(Node):
    """One framework in one role: the leaf that offers are made to."""

    __slots__ = ("agents", "framework", "may", "role")

    def __init__(self, framework: str, role: str) -> None:
        super().__init__(framework, None)
        self.framework = framework
        self.role = role
        #: Capabilities of the framework that decide what it may be offered.
        self.may: frozenset[str] = frozenset()
        #: On how many agents it holds something.
        self.agents = 0


class Fairness:
    """Who comes first."""

    def __init__(
        self,
        excluded: frozenset[str] = frozenset(),
        *,
        role_draw: Draw | None = None,
        framework_draw: Draw | None = None,
    ) -> None:
        """
        Sort by all scalars but those ``excluded`` by name.

        With ``role_draw`` roles are drawn by lot instead, each with a chance in
        proportion to its weight; with ``framework_draw`` the frameworks of a role are.
        """
        self._excluded = excluded
        self._role_draw = role_draw
        self._framework_draw = framework_draw
        self._root = Branch("", None)
        self._weights: dict[str, float] = {}
        #: Thousandths by name that all agents have.
        self._totals: dict[str, int] = {}
        self._stale: dict[Node, None] = {}
        self._all_stale = False

    # --- the tree --------------------------------------------------------------

    def join(self, client: Client, bit: int) -> None:
        """Put a new client into its role, under the mask ``bit``."""
        owner = self._own_of(client.role)
        client.parent = owner
        client.mask = bit
        client.count = _least_count(owner)
        client.entry = (0.0, client.count, client.name, client)
        owner.order.add(client.entry)
        self._flip(owner, bit)

    def leave(self, client: Client) -> None:
        """Take out a client, which has nothing any more; roles left empty go with it."""
        owner = client.parent
        assert owner is not None, f"{client.name} is in no role"
        owner.order.remove(client.entry)
        self._stale.pop(client, None)
        client.parent = None
        self._flip(owner, client.mask)
        self._prune(owner)

    def rename_bit(self, client: Client, bit: int) -> None:
        """Let ``client`` stand under another bit."""
        change = client.mask ^ bit
        client.mask = bit
        parent = client.parent
        assert parent is not None, f"{client.name} is in no role"
        parent.order.remask(client.entry, change)
        self._flip(parent, change)

    def mask_of(self, role: str) -> int:
        """Tell the bits of all clients in ``role`` and below it."""
        node: Branch | None = self._root
        for part in role.split("/"):
            node = node.below.get(part) if node is not None else None
        return node.mask if node is not None else 0

    def share_of(self, role: str) -> float:
        """Tell the weighted share of ``role``, 0 to 1 over its weight; 0 if it has none."""
        node: Branch | None = self._root
        for part in role.split("/"):
            node = node.below.get(part) if node is not None else None
        return self._share(node) if node is not None else 0.0

    # --- weights and totals ------------------------------------------------------

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Give roles new weights; a role that is not named keeps its own."""
        self._weights.update(weights)
        for path, branch in self._branches():
            branch.weight = self._weights.get(path, WEIGHT_DEFAULT)
        self._all_stale = True

    def resize(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Count one agent's scalars ``after`` instead of ``before`` in the cluster."""
        if before == after:
            return
        totals = self._totals
        for name, amount in before.items():
            totals[name] -= amount
        for name, amount in after.items():
            totals[name] = totals.get(name, 0) + amount
        self._all_stale = True

    # --- shares --------------------------------------------------------------------

    def spend(self, client: Client, scalars: Mapping[str, int], served: int) -> None:
        """Charge ``scalars`` to a client, all the way up; ``served`` counts the occasion."""
        node: Node | None = client
        stale = self._stale
        while node is not None:
            spent = node.spent
            for name, amount in scalars.items():
                spent[name] = spent.get(name, 0) + amount
            node.count += served
            stale[node] = None
            node = node.parent

    def refund(self, client: Client, scalars: Mapping[str, int]) -> None:
        """Take ``scalars`` back from a client, all the way up."""
        node: Node | None = client
        stale = self._stale
        while node is not None:
            spent = node.spent
            for name, amount in scalars.items():
                left = spent[name] - amount
                if left:
                    spent[name] = left
                else:
                    del spent[name]
            stale[node] = None
            node = node.parent

    def first(self, wanted: int) -> Client:
        """Find the client of ``wanted``, bits of clients that are here, who is to be served."""
        if self._stale or self._all_stale:
            self._settle()
        node: Node | None = self._root
        while isinstance(node, Branch):
            draw = self._framework_draw if node.name == OWN else self._role_draw
            node = node.order.first(wanted) if draw is None else _drawn(node, wanted, draw)
        assert isinstance(node, Client), "nobody stands under the wanted bits"
        return node

    def check(self) -> None:
        """Raise ``AssertionError`` if a sum, a mask or an order is wrong."""
        self._settle()
        for path, branch in self._branches():
            branch.order.check()
            children = [entry[3] for entry in branch.order]
            spent: dict[str, int] = {}
            for child in children:
                assert child.parent is branch, f"{child.name} is not below {path}"
                assert child.entry[:2] == (self._share(child), child.count), f"{path}: stale"
                for name, amount in child.spent.items():
                    spent[name] = spent.get(name, 0) + amount
            assert spent == branch.spent, f"{path}: {branch.spent} is not the sum {spent}"
            assert sum(child.mask for child in children) == branch.mask, f"{path}: wrong mask"

    # --- inside ----------------------------------------------------------------------

    def _share(self, node: Node) -> float:
        best = 0.0
        totals = self._totals
        for name, amount in node.spent.items():
            total = totals.get(name)
            if total and name not in self._excluded:
                part = amount / total
                best = max(best, part)
        return best / node.weight

    def _settle(self) -> None:
        stale = self._stale
        if self._all_stale or len(stale) > SETTLE_NODES_MAX:
            self._settle_all()
        else:
            for node in stale:
                parent = node.parent
                if parent is not None:
                    old = node.entry
                    node.entry = new = (self._share(node), node.count, node.name, node)
                    parent.order.replace(old, new)
        stale.clear()
        self._all_stale = False

    def _settle_all(self) -> None:
        for _, branch in self._branches():
            entries = []
            for *_, node in branch.order:
                node.entry = (self._share(node), node.count, node.name, node)
                entries.append(node.entry)
            branch.order.rebuild(entries)

    def _branches(self) -> Iterator[tuple[str, Branch]]:
        """Every branch with its path, the root with an empty one."""
        todo: list[tuple[str, Branch]] = [("", self._root)]
        while todo:
            path, branch = todo.pop()
            yield path, branch
            prefix = f"{path}/" if path else ""
            todo.extend((prefix + name, below) for name, below in branch.below.items())

    def _own_of(self, role: str) -> Branch:
        node, path = self._root, ""
        for part in role.split("/"):
            path = f"{path}/{part}" if path else part
            node = self._below(node, part, self._weights.get(path, WEIGHT_DEFAULT))
        return self._below(node, OWN, WEIGHT_DEFAULT)

    def _below(self, parent: Branch, name: str, weight: float) -> Branch:
        found = parent.below.get(name)
        if found is None:
            found = parent.below[name] = Branch(name, parent, weight)
            found.count = _least_count(parent)
            found.entry = (0.0, found.count, name, found)
            parent.order.add(found.entry)
        return found

    def _flip(self, branch: Branch, change: int) -> None:
        node = branch
        node.mask ^= change
        while node.parent is not None:
            node.parent.order.remask(node.entry, change)
            node = node.parent
            node.mask ^= change

    def _prune(self, branch: Branch) -> None:
        node = branch
        while node.parent is not None and not len(node.order):
            parent = node.parent
            parent.order.remove(node.entry)
            del parent.below[node.name]
            self._stale.pop(node, None)
            node = parent


def _drawn(branch: Branch, wanted: int, draw: Draw) -> Node:
    """Draw a child that has a bit of ``wanted``, with a chance in proportion to its weight."""
    children = [entry[3] for entry in branch.order if entry[3].mask & wanted]
    # By name: the order by share must not sway the draw.
    children.sort(key=lambda child: child.name)
    lot = draw() * sum(child.weight for child in children)
    for child in children:
        lot -= child.weight
        if lot < 0:
            return child
    return children[-1]


def _least_count(branch: Branch) -> int:
    """Count of the least served child; see Note [Newcomers]."""
    return min((entry[3].count for entry in branch.order), default=0)
