"""What tells Chronos' owners and hooks, made from its flags."""

from __future__ import annotations

from typing import Any

from mesostw.daemons.options import FlagOptions
from mesostw.interfaces import IClock, INotifier
from mesostw.notices.calls import Caller
from mesostw.notices.deliveries import Call, Delivery, Letter, Routes, Undeliverable
from mesostw.notices.mail import MailServer, Postman
from mesostw.notices.outbox import Outbox, Tell


def routes_of(options: FlagOptions) -> Routes:
    """The operator's ways of telling owners."""
    user, colon, password = (options["http_notification_credentials"] or "").partition(":")
    return Routes(
        has_mail=options["mail_server"] is not None,
        slack_url=options["slack_url"] or "",
        mattermost_url=options["mattermost_url"] or "",
        callback_url=options["http_notification_url"] or "",
        callback_credentials=(user, password) if colon else None,
        cluster=options["cluster_name"] or "",
    )


def notifier_of(options: FlagOptions, reactor: Any, clock: IClock, tell: Tell) -> INotifier:
    """A notifier over sockets of ``reactor``."""
    caller = Caller(reactor, clock, options["webhook_secret_file"])
    postman = _postman(options, reactor)

    async def bring(delivery: Delivery) -> None:
        match delivery:
            case Call():
                await caller.call(delivery)
            case Letter():
                if postman is None:
                    raise Undeliverable("this Chronos has no way to send mail")
                await postman.post(delivery)

    return Outbox(clock, routes_of(options), bring, tell)


def _postman(options: FlagOptions, reactor: Any) -> Postman | None:
    if options["mail_server"] is None:
        return None
    host, port = options["mail_server"]
    return Postman(
        reactor,
        MailServer(
            host=host,
            port=port,
            sender=options["mail_from"],
            user=options["mail_user"] or "",
            password=(options["mail_password"] or "").strip(),
            needs_tls=options["mail_ssl"],
        ),
    )
