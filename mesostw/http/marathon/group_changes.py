"""``/v2/groups``: what changes the tree of groups."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.core.marathon.faults import Faults
from mesostw.core.marathon.identifiers import resolved
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import (
    Document,
    DryRun,
    Fault,
    GroupAsked,
    GroupPatchAsked,
    GroupRemovalAsked,
    Planned,
)
from mesostw.http.marathon.apps import path_of
from mesostw.http.marathon.asking import Call, ask, json_reply, planned_reply, unexpected
from mesostw.http.marathon.deployment_shapes import steps_shape
from mesostw.http.marathon.refusals import INVALID_JSON, ApiRefusal
from mesostw.http.marathon.trees import check_group
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.apps import GroupId


class GroupChanges:
    """Changing groups."""

    def __init__(self, view: Callable[[], MarathonState], inbox: IInbox) -> None:
        self._view, self._inbox = view, inbox

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Create a group with all that its document has in it."""
        group_id, document = _named(call, words)
        question = GroupAsked(group_id, document, call.terms(), may_exist=False)
        answer = await ask(self._inbox, question)
        if not isinstance(answer, Planned):
            raise unexpected(answer)
        return planned_reply(answer, 201, f"/v2/groups{group_id}")

    async def put(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Have a group as described; or scaled, or as it was; or only tell the steps."""
        group_id, document = _named(call, words)
        question = GroupAsked(group_id, document, call.terms(), dry_run=call.flag("dryRun"))
        answer = await ask(self._inbox, question)
        if isinstance(answer, DryRun):
            return json_reply({"steps": steps_shape(answer.steps)})
        if not isinstance(answer, Planned):
            raise unexpected(answer)
        return planned_reply(answer)

    async def patch(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Set ``enforceRole`` of a top-level group."""
        group_id = GroupId(path_of(words))
        check_group(self._view(), group_id)
        _ = await ask(self._inbox, GroupPatchAsked(group_id, call.document()))
        return Reply()

    async def delete(self, call: Call, words: tuple[str, ...]) -> Reply:
        """End everything in a group; the root is everything."""
        group_id = GroupId(path_of(words))
        check_group(self._view(), group_id)
        answer = await ask(self._inbox, GroupRemovalAsked(group_id, call.terms()))
        if not isinstance(answer, Planned):
            raise unexpected(answer)
        return planned_reply(answer)


def _named(call: Call, words: tuple[str, ...]) -> tuple[GroupId, Document]:
    """
    The group that path and document mean together: the document's id is relative to the path.

    :raises ApiRefusal: 400 or 422.
    """
    document, base = call.document(), path_of(words)
    named = document.get("id")
    if named is None:
        return GroupId(base), {**document, "id": base}
    if not isinstance(named, str):
        faults = (Fault("/id", ("error.expected.jsstring",)),)
        raise ApiRefusal(422, INVALID_JSON, details=faults)
    wrong = Faults()
    found = resolved(named, base, "/id", wrong)
    if found is None:
        raise ApiRefusal.of(wrong.invalid())
    return GroupId(found), {**document, "id": found}
