"""What a notice means for each channel: letters and calls, made from values only."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from mesostw.core.chronos.records import Notice
from mesostw.core.framework.naming import stamp_of
from mesostw.model.jobs import Channel, NoticeId

#: Of a webhook's call: who made it, over ``<timestamp>.<body>``.
SIGNATURE_HEADER: Final = "X-Chronos-Signature"
TIMESTAMP_HEADER: Final = "X-Chronos-Timestamp"
#: The same notice has the same id, however often it comes.
NOTICE_HEADER: Final = "X-Chronos-Notice"


class Undeliverable(Exception):
    """Trying again would not help; the text says why, without secrets."""


class Letter(Struct, frozen=True):
    """A mail to one address."""

    notice_id: NoticeId
    to: str
    subject: str
    text: str
    at: float

    @property
    def place(self) -> str:
        """To whom it goes, for people."""
        return self.to


class Call(Struct, frozen=True):
    """A JSON document that is posted."""

    notice_id: NoticeId
    url: str
    document: Mapping[str, object]
    #: User and password, if it wants any.
    credentials: tuple[str, str] | None = None
    #: Whether the operator's secret signs it.
    is_signed: bool = False

    @property
    def place(self) -> str:
        """The host only: paths and users of such URLs are often secrets."""
        return urlsplit(self.url).hostname or "a URL without a host"


Delivery: TypeAlias = Letter | Call


class Routes(Struct, frozen=True):
    """The operator's ways of telling owners."""

    has_mail: bool = False
    slack_url: str = ""
    mattermost_url: str = ""
    callback_url: str = ""
    callback_credentials: tuple[str, str] | None = None
    #: Before the subject of what owners are told.
    cluster: str = ""

    @property
    def tells_owners(self) -> bool:
        """Whether there is any."""
        return bool(self.has_mail or self.slack_url or self.mattermost_url or self.callback_url)


def deliveries_of(notice: Notice, routes: Routes) -> list[Delivery]:
    """
    All that a notice means; nothing if there is nobody to tell.

    :raises Undeliverable: it names a channel that the operator has not given
    """
    if notice.hook is None:
        notice = _of_cluster(notice, routes.cluster)
        return [*_letters(notice, routes), *_chats(notice, routes), *_callbacks(notice, routes)]
    if notice.hook.channel is Channel.MAIL:
        if not routes.has_mail:
            raise Undeliverable("this Chronos has no way to send mail: give --mail_server")
        return [_letter(notice, notice.hook.target)]
    if notice.hook.channel is Channel.SLACK:
        return [Call(notice.id, notice.hook.target, _chat(notice))]
    return [Call(notice.id, notice.hook.target, _document(notice), is_signed=True)]


def _of_cluster(notice: Notice, cluster: str) -> Notice:
    if not cluster:
        return notice
    subject = f"[{cluster}] {notice.subject}"
    return replace(notice, subject=subject, fields={**notice.fields, "subject": subject})


def _letters(notice: Notice, routes: Routes) -> list[Letter]:
    return [_letter(notice, address) for address in notice.to] if routes.has_mail else []


def _letter(notice: Notice, address: str) -> Letter:
    return Letter(notice.id, address, notice.subject, notice.text, notice.at)


def _chats(notice: Notice, routes: Routes) -> list[Call]:
    urls = filter(None, (routes.slack_url, routes.mattermost_url))
    return [Call(notice.id, url, _chat(notice)) for url in urls]


def _chat(notice: Notice) -> dict[str, object]:
    return {"text": f"{notice.subject}: {notice.text}"}


def _callbacks(notice: Notice, routes: Routes) -> list[Call]:
    """The original's: one for each address, one without if there is none."""
    if not routes.callback_url:
        return []
    told: list[Mapping[str, object]] = [
        {**notice.fields, "to": address} for address in notice.to
    ] or [notice.fields]
    url, credentials = routes.callback_url, routes.callback_credentials
    return [Call(notice.id, url, document, credentials) for document in told]


def _document(notice: Notice) -> dict[str, object]:
    found: dict[str, object] = {
        "id": notice.id,
        "occasion": notice.occasion,
        "job": notice.job,
        "at": stamp_of(notice.at),
        "subject": notice.subject,
        "message": notice.text,
    }
    if notice.run_id is not None:
        found["run"] = notice.run_id
    return found


def signature_of(secret: bytes, timestamp: str, body: bytes) -> str:
    """What proves that who knows ``secret`` has sent ``body`` at ``timestamp``."""
    return (
        "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    )
