"""``/v2/groups``: reading the tree of groups, and its versions."""

from __future__ import annotations

from collections.abc import Callable

from mesostw.core.marathon import history, tree
from mesostw.core.marathon.state import MarathonState
from mesostw.core.marathon.tree import GroupNode
from mesostw.http.api.asking import Call, encode, json_reply
from mesostw.http.api.bodies import Bodies
from mesostw.http.building import Build
from mesostw.http.marathon.app_shapes import IN_LISTS, AppShapes
from mesostw.http.marathon.apps import apps_below, check_group, path_of
from mesostw.http.marathon.asking import stamp
from mesostw.http.marathon.embeds import GroupEmbed, app_embed, group_embed
from mesostw.http.marathon.refusals import MarathonRefusal
from mesostw.http.rendering import Reply
from mesostw.http.shapes import joined
from mesostw.model.apps import ROOT, GroupId, Stamp


class GroupsApi:
    """Reading groups."""

    def __init__(
        self, view: Callable[[], MarathonState], shapes: AppShapes, bodies: Bodies
    ) -> None:
        self._view, self._shapes, self._bodies = view, shapes, bodies

    async def get(self, call: Call, words: tuple[str, ...]) -> Reply:
        """
        Answer a GET.

        :param words: of the path behind ``/v2/groups``.
        """
        match words:
            case (*group, "versions"):
                return self._versions(GroupId(path_of(group)))
            case (*group, "versions", version):
                return await self._version(call, GroupId(path_of(group)), stamp(version))
            case (*group, "apps"):
                return await self._apps(call, GroupId(path_of(group)))
            case _:
                return await self._one(call, GroupId(path_of(words)))

    async def _one(self, call: Call, group_id: GroupId) -> Reply:
        check_group(self._view(), group_id)
        embed = group_embed(call.all_of("embed"), extensions=call.extensions)

        def build() -> Build:
            node = tree.group_now(self._view(), group_id)
            # It may have gone while another's body was built.
            yield
            return b"null" if node is None else (yield from self._group(node, embed))

        name = f"group {group_id} {sorted(embed.parts)} {sorted(embed.app.parts)} "
        return await self._bodies.kept(
            f"{name}{embed.app.extensions}", build, aging=embed.app.has("taskStats")
        )

    async def _apps(self, call: Call, group_id: GroupId) -> Reply:
        chosen = apps_below(self._view(), group_id)
        embed = app_embed(call.all_of("embed"), IN_LISTS, extensions=call.extensions)
        return await self._bodies.once(lambda: self._shapes.infos(chosen, embed))

    # --- versions -------------------------------------------------------------------

    def _versions(self, group_id: GroupId) -> Reply:
        check_group(self._view(), group_id)
        return json_reply(history.group_versions(self._view(), group_id))

    async def _version(self, call: Call, group_id: GroupId, version: Stamp) -> Reply:
        node = history.group_at(self._view(), group_id, version)
        if node is None:
            raise MarathonRefusal.no_group(group_id, version)
        embed = group_embed((), extensions=call.extensions)
        return await self._bodies.once(lambda: self._group(node, embed))

    # --- one group --------------------------------------------------------------------

    def _group(self, node: GroupNode, embed: GroupEmbed) -> Build:
        shape: dict[str, object] = {
            "id": node.id,
            "dependencies": node.dependencies,
            "version": node.version,
        }
        if node.enforce_role is not None and node.id != ROOT:
            shape["enforceRole"] = node.enforce_role
        if embed.has("pods"):
            shape["pods"] = ()
        parts = [encode(shape)[:-1]]
        if embed.has("apps"):
            infos = yield from self._shapes.infos(node.apps, embed.app)
            parts.append(b',"apps":' + infos)
        if embed.has("groups"):
            texts = []
            for child in node.groups:
                text = yield from self._group(child, embed)
                texts.append(text)
                yield
            parts.append(b',"groups":' + joined(texts))
        return b"".join(parts) + b"}"
