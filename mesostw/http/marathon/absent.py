"""What the original has and this program has not: said, never half done."""

from __future__ import annotations

from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.api.routes import Noun
from mesostw.http.rendering import Reply


async def probe_pods(call: Call, words: tuple[str, ...]) -> Reply:
    """``HEAD /v2/pods``: clients ask so whether there can be pods at all."""
    raise ApiRefusal(404, "Pods are not supported")


async def list_pods(call: Call, words: tuple[str, ...]) -> Reply:
    """There are no pods, so lists of them are empty, and each one is unknown."""
    if not words or words == ("::status",):
        return json_reply([])
    raise no_pod(words)


async def change_pods(call: Call, words: tuple[str, ...]) -> Reply:
    """Pods cannot be made."""
    if call.method == "POST" and not words:
        raise ApiRefusal(
            501, "Pods are not supported: run each container as an app of its own (/v2/apps)."
        )
    raise no_pod(words)


def no_pod(words: tuple[str, ...]) -> ApiRefusal:
    """There is no such pod."""
    name, _, _ = "/".join(words).partition("::")
    return ApiRefusal(404, f"Pod '/{name[:200].strip('/')}' does not exist")


def gone(what: str) -> Noun:
    """What the original had once, and dropped as well."""

    async def answer(call: Call, words: tuple[str, ...]) -> Reply:
        raise ApiRefusal(404, f"{what} is not there any more")

    return answer
