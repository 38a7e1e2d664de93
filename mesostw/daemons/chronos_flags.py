"""
Chronos' flags, with the names and defaults that they have there; durations in its units.

What is not there yet is refused in words that say what to do instead, whether it comes from
the command line or the environment.  A few of the original's have nothing left to decide; they
are accepted, and the log says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from twisted.python import usage

from mesostw.core.chronos.flags import ChronosFlags
from mesostw.daemons.framework_flags import (
    credentials,
    http_flags,
    interval,
    milliseconds,
    seconds,
)
from mesostw.daemons.options import (
    COMMON,
    Flag,
    FlagOptions,
    boolean,
    count,
    file_text,
)
from mesostw.daemons.zk_flags import MASTER_FLAG, ZK_PARTS
from mesostw.model.names import check_role

#: Accepted, with a line in the log that says why they decide nothing.
IDLE: Final = {
    "schedule_horizon": "instants are served when they are due, however near they lie",
    "revive_offers_for_new_jobs": "offers are always revived when something waits",
    **{
        f"cassandra_{name}": "the history of runs is kept in the work directory"
        for name in (
            "contact_points",
            "port",
            "user",
            "password",
            "keyspace",
            "table",
            "stat_count_table",
            "consistency",
            "ttl",
        )
    },
}

_NO_TLS: Final = "HTTPS is not supported yet: leave it out, and let a proxy before it speak TLS"
_NO_GRAPHITE: Final = "not supported yet: leave it out, and have /metrics/prometheus read"

#: What to do instead of each flag that is not there yet.
ABSENT: Final = {
    "https_port": _NO_TLS,
    "ssl_keystore_path": _NO_TLS,
    "ssl_keystore_password": _NO_TLS,
    "raven_dsn": "not supported yet: leave it out, and use http_notification_url or hooks of jobs",
    "graphite_host_port": _NO_GRAPHITE,
    "graphite_reporting_interval": _NO_GRAPHITE,
    "graphite_group_prefix": _NO_GRAPHITE,
    "mesos_authentication_secret_file": "frameworks cannot authenticate yet: leave it out",
}


def number(text: str) -> float:
    """More than 0."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e9:
        raise ValueError("give a number above 0")
    return found


def mail_server(text: str) -> tuple[str, int]:
    """``host`` or ``host:port``; 25 if no port is given."""
    host, colon, number_ = text.rpartition(":")
    if not colon:
        host, number_ = text, "25"
    if not host or not number_.isdigit() or not 0 < int(number_) < 65_536:
        raise ValueError("give HOST:PORT")
    return host, int(number_)


def url(text: str) -> str:
    """One that can be called."""
    if not text.startswith(("http://", "https://")):
        raise ValueError("give a URL that begins with http:// or https://")
    return text


def secret_file(text: str) -> bytes:
    """What a file has, without white space around it."""
    if not text.removeprefix("file://").startswith("/"):
        raise ValueError("give the absolute path of a file that has the secret")
    found = file_text(text).strip().encode()
    if not found:
        raise ValueError("the file is empty")
    return found


def _absent(words: str) -> Callable[[str], NoReturn]:
    def read(_: str) -> NoReturn:
        raise ValueError(words)

    return read


FLAGS: Final[Sequence[Flag]] = (
    MASTER_FLAG,
    *ZK_PARTS,
    Flag("work_dir", "Where jobs, their runs and counters are kept.", required=True),
    *http_flags("Chronos", "4400", "*"),
    Flag("mesos_framework_name", "Name of the framework at the master.", "chronos"),
    Flag("cluster_name", "Put before the subject of what owners are told."),
    Flag("mesos_role", "Role of all jobs.", "*", check_role),
    Flag("mesos_authentication_principal", "Principal that the master counts jobs under."),
    Flag("user", "Whom jobs run as that name nobody.", "root"),
    Flag("failover_timeout", "How long tasks outlive Chronos, in s.", "604800", seconds),
    Flag("mesos_checkpoint", "Whether agents keep tasks over their own restarts.", "true", boolean),
    Flag("mesos_task_cpu", "CPUs of jobs that say nothing.", "0.1", number),
    Flag("mesos_task_mem", "Memory of jobs that say nothing, in MiB.", "128", number),
    Flag("mesos_task_disk", "Disk of jobs that say nothing, in MiB.", "256", number),
    Flag("failure_retry", "Before a failed run is tried again, in ms.", "60000", milliseconds),
    Flag("disable_after_failures", "Failures in a row that disable a job; 0: never.", "0", count),
    Flag("task_epsilon", "How late jobs under /scheduler may start, in s.", "60", seconds),
    Flag("reconciliation_interval", "Between two reconciliations, in s.", "600", number),
    Flag(
        "decline_offer_duration",
        "How long an offer that nothing fits is refused, in ms.",
        "5000",
        milliseconds,
    ),
    Flag(
        "min_revive_offers_interval",
        "Between two requests for new offers, in ms.",
        "5000",
        interval,
    ),
    Flag("job_history_limit", "Runs that job/stat shows of each job.", "5", count),
    Flag("mail_server", "HOST:PORT of the mail server that tells owners.", read=mail_server),
    Flag("mail_user", "User at the mail server, if it wants one."),
    Flag(
        "mail_password",
        "The user's password, or the path of a file that has it.",
        read=file_text,
        secret=True,
    ),
    Flag("mail_from", "Address that mail comes from; needed with --mail_server."),
    Flag("mail_ssl", "Whether mail is only sent over TLS.", "false", boolean),
    # The paths of chats' URLs are as good as passwords.
    Flag("slack_url", "A hook of Slack that hears what owners do.", read=url, secret=True),
    Flag(
        "mattermost_url", "A hook of Mattermost that hears what owners do.", read=url, secret=True
    ),
    Flag("http_notification_url", "Called with what owners are told.", read=url, secret=True),
    Flag(
        "http_notification_credentials",
        "USER:PASSWORD for that URL.",
        read=credentials,
        secret=True,
    ),
    Flag(
        "webhook_secret_file",
        "File with the secret that signs calls to the hooks of jobs.",
        read=secret_file,
        secret=True,
    ),
    *(
        Flag(name, f"Accepted; it decides nothing: {why}.", secret="password" in name)
        for name, why in IDLE.items()
    ),
    *(
        Flag(name, f"Refused: {why}.", read=_absent(why), secret="password" in name)
        for name, why in ABSENT.items()
    ),
    *(flag for flag in COMMON if flag.name != "ip"),
)


class Options(FlagOptions):
    """What ``twistd chronos`` accepts."""

    synopsis = "[options]"
    longdesc = "Run jobs on a clock and after each other. Every flag also reads CHRONOS_<FLAG>."
    prefix = "CHRONOS"
    flags = FLAGS

    def postOptions(self) -> None:
        """Read all, and see that what belongs together is there."""
        super().postOptions()
        if self["mail_server"] and not self["mail_from"]:
            raise usage.UsageError("--mail_server needs --mail_from: an address that mail is from")
        if self["mail_user"] and not self["mail_password"]:
            raise usage.UsageError("--mail_user needs --mail_password")


def core_flags(options: FlagOptions, tells_owners: bool) -> ChronosFlags:
    """What the core needs to know of them."""
    return ChronosFlags(
        mesos_role=options["mesos_role"],
        user=options["user"],
        mesos_task_cpu=options["mesos_task_cpu"],
        mesos_task_mem=options["mesos_task_mem"],
        mesos_task_disk=options["mesos_task_disk"],
        task_epsilon_s=options["task_epsilon"],
        failure_retry_s=options["failure_retry"],
        disable_after_failures=options["disable_after_failures"],
        decline_offer_duration_s=options["decline_offer_duration"],
        min_revive_offers_interval_s=options["min_revive_offers_interval"],
        reconciliation_interval_s=options["reconciliation_interval"],
        job_history_limit=options["job_history_limit"],
        tells_owners=tells_owners,
    )


def idle(options: FlagOptions) -> dict[str, str]:
    """Those that were given though they decide nothing, and why they do not."""
    return {name: why for name, why in IDLE.items() if name in options.given}
