"""``/v2/groups``: what changes the tree of groups."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.core.framework.faults import Faults
from mesostw.core.marathon.identifiers import resolved
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.words import (
    Document,
    DryRun,
    GroupAsked,
    GroupPatchAsked,
    GroupRemovalAsked,
    Planned,
)
from mesostw.http.api.asking import Call, json_reply, unexpected
from mesostw.http.marathon.apps import check_group, path_of
from mesostw.http.marathon.asking import ask, planned_reply, terms_of
from mesostw.http.marathon.deployment_shapes import steps_shape
from mesostw.http.rendering import Reply
from mesostw.interfaces import IInbox
from mesostw.model.apps import GroupId


class GroupChanges:
    """Changing groups."""

    def __init__(self, view: Callable[[], MarathonState], inbox: IInbox) -> None:
        self._view, self._inbox = view, inbox

    async def post(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Create a group with all that its document has in it."""
        base, document = GroupId(path_of(words)), call.document()
        question = GroupAsked(base, document, terms_of(call), may_exist=False)
        answer = await ask(self._inbox, question)
        if not isinstance(answer, Planned):
            raise unexpected(answer)
        return planned_reply(answer, 201, f"/v2/groups{_named(base, document)}")

    async def put(self, call: Call, words: tuple[str, ...]) -> Reply:
        """Have a group as described; or scaled, or as it was; or only tell the steps."""
        if words[-2:-1] == ("versions",):
            # An old way to go back, which clients still use: without a body.
            document: Document = {"version": words[-1]}
            words = words[:-2]
        else:
            document = call.document()
        group_id = GroupId(path_of(words))
        question = GroupAsked(group_id, document, terms_of(call), dry_run=call.flag("dryRun"))
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
        answer = await ask(self._inbox, GroupRemovalAsked(group_id, terms_of(call)))
        if not isinstance(answer, Planned):
            raise unexpected(answer)
        return planned_reply(answer)


def _named(base: GroupId, document: Document) -> str:
    """The group that was created: its document's id is relative to the path."""
    named = document.get("id")
    found = resolved(named, base, "/id", Faults()) if isinstance(named, str) else None
    return found or base
