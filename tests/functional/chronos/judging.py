"""
What a run has left, judged: the rules of ``mesostw.testing.chronos_checks``, and a few more.

::

    late         no first attempt is launched later than its job allows
    stale        nothing is launched from a version that had been replaced for certain
    unread       whoever reads sees what was acknowledged before, and nothing that is gone
    slow         when nothing is wrong runs begin soon after their instants
    unrecovered  after the last heal a job is taken soon, and one runs in time
    crashed      no daemon ended, or would have, for a fault of its own program
    leftover     in the end nothing runs that no record has, nor the other way round

Each rule tells how much it has judged, so that one that found nothing to judge is seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, inf

from msgspec import Struct

from mesostw.testing import chronos_checks as checks
from mesostw.testing.chronos_checks import Finding, Record, Seen, Trouble
from tests.functional.chronos.evidence import OUT, Evidence
from tests.functional.chronos.history import End
from tests.functional.chronos.profiles import Profile
from tests.functional.chronos.troubles import AFTER_S, is_quiet, troubles
from tests.functional.chronos.wishes import (
    Wish,
    definitions,
    held,
    jobs_seen,
    refused,
    unanswered,
    wishes_of,
)

#: Between the moment that a run is chosen and the one that its launch is dated, and rounding.
LAUNCH_S = 0.25
#: Within which dependents are made once their last parent has ended.
TRIGGER_S = 5.0


class Ruling(Struct, frozen=True):
    """What one rule has judged, and what it found."""

    rule: str
    judged: int
    findings: tuple[Finding, ...]


class Verdict(Struct, frozen=True, kw_only=True):
    """Everything that a run is told by."""

    rulings: tuple[Ruling, ...]
    wished: int
    served: int
    excused: int
    #: Seconds from instants to starts while nothing was wrong, in order.
    lags: tuple[float, ...]
    #: Requests by what was asked and how that ended.
    asked: Mapping[str, int]
    harms: Mapping[str, int]

    @property
    def findings(self) -> list[Finding]:
        """Whatever was broken."""
        return [one for ruling in self.rulings for one in ruling.findings]

    def lag(self, share: float) -> float | None:
        """The lag that so many are not above; ``None`` if there are none."""
        if not self.lags:
            return None
        return self.lags[max(0, ceil(share * len(self.lags)) - 1)]


class Judge:
    """
    One run's evidence, as the rules look at it.

    :param strict: excuse nothing.
    """

    def __init__(self, evidence: Evidence, profile: Profile, *, strict: bool = False) -> None:
        self.evidence, self.profile, self.strict = evidence, profile, strict
        # What is due just before they begin may still be on its way then.
        self.troubles = [
            Trouble(one.start - AFTER_S, one.end)
            for one in troubles(evidence.topology, evidence.away)
        ]
        self.wishes = wishes_of(evidence)
        self.definitions = definitions(self.wishes)
        self.seen = [task.seen for task in evidence.tasks]
        #: Names of agents by their ids; one that never had a task is of no interest.
        self.agents = {task.agent_id: task.seen.host for task in evidence.tasks}
        #: Jobs whose records are all there.
        self.staying = {
            name
            for name, wish in self.wishes.items()
            if name in evidence.jobs and not wish.is_removed
        }
        self.runs = [run for run in evidence.runs if run.record.job in self.staying]
        self.records = [run.record for run in self.runs]

    def verdict(self) -> Verdict:
        """Judge everything."""
        services = [
            (wish, service)
            for wish in self.wishes.values()
            if wish.plan.count
            for service in self._services(wish)
        ]
        unserved = tuple(one for _, service in services for one in service.findings)
        lags = self._lags()
        wished = sum(service.wished for _, service in services)
        rulings = (
            Ruling("unserved", wished, unserved),
            *self._of_tasks(),
            *self._of_records(),
            *self._of_clients(),
            self._slow(lags),
            self._unrecovered(),
            self._crashed(),
            self._leftover(),
        )
        return Verdict(
            rulings=rulings,
            wished=wished,
            served=sum(service.served for _, service in services),
            excused=sum(service.excused for _, service in services),
            lags=lags,
            asked=Counter(f"{call.op} {call.end.value}" for call in self.evidence.calls),
            harms=Counter(harm.kind for harm in self.evidence.harms),
        )

    def _services(self, wish: Wish) -> Iterable[checks.Service]:
        """How each span was served; by runs of the clock only, and their retries."""
        excuses = [] if self.strict else [*self.troubles, *self._blocked(wish)]
        lost = () if self.strict or not wish.plan.concurrent else self._lost_instants(wish)
        for definition in held(wish):
            yield checks.served(
                definition,
                [one for one in self.seen if one.by_clock],
                self.evidence.read,
                forgiven_s=self.profile.forgiven_s,
                troubles=excuses,
                recovery_s=self.profile.recovery_s,
                lost=lost,
            )

    def _lost_instants(self, wish: Wish) -> frozenset[int]:
        """
        Of runs that may overlap: those that were out on an agent that never came back.

        The others do not wait for them, and they themselves are tried again only when it is
        known that they are lost.
        """
        return frozenset(
            run.record.instant
            for run in self.runs
            if run.record.job == wish.plan.name
            and run.record.lost
            and any(
                away.part == self.agents.get(run.agent_id)
                and (run.record.launched_at or 0.0) < away.end
                and away.start < _ended(run.record)
                for away in self.evidence.away
            )
        )

    def _blocked(self, wish: Wish) -> Iterable[Trouble]:
        """While a run was out on an agent that was away, and was waited for as long as wished."""
        if wish.plan.concurrent:
            return
        profile = self.profile
        limit_s = profile.away_max_s + wish.plan.unreachable_s + profile.recovery_s
        for run in self.runs:
            record = run.record
            if record.job != wish.plan.name or record.launched_at is None:
                continue
            for away in self.evidence.away:
                if away.part == self.agents.get(run.agent_id):
                    end = min(_ended(record), away.end, away.start + limit_s)
                    start = max(record.launched_at, away.start)
                    if start < end:
                        # What is lost with its agent, or died there, has not served its
                        # instant either, and is tried again only when that is known.
                        is_lost = record.lost or record.state == "failed"
                        yield Trouble(record.instant / 1000 if is_lost else start, end)

    # --- what tasks wrote ---------------------------------------------------------------

    def _of_tasks(self) -> Iterable[Ruling]:
        gone = {one for harm in self._removals() for one in harm}
        there = [one for one in self.seen if one.host not in gone]
        yield Ruling("repeated", len(there), checks.repeated(there))
        overlapping = checks.overlapping(self.definitions, self.seen, self._lost(gone))
        yield Ruling("overlapping", len(self.seen), overlapping)
        yield Ruling("unwished", len(self.seen), checks.unwished(self.definitions, self.seen))

    def _removals(self) -> Iterable[tuple[str, ...]]:
        """Agents that were lost for good: nobody can say what becomes of tasks there."""
        return (one.targets for one in self.evidence.harms if one.kind == "lose agent")

    def _lost(self, gone: set[str]) -> set[str]:
        """Tasks of agents that were away for longer than was waited for them."""
        away: set[str] = {one.task_id for one in self.seen if one.host in gone}
        for call in self.evidence.calls:
            away.update(call.answer.get("away", ()))
        return away | {run.record.task_id for run in self.evidence.runs if run.record.lost}

    # --- what Chronos says ----------------------------------------------------------------

    def _of_records(self) -> Iterable[Ruling]:
        records, staying = self.records, self.staying
        seen = [one for one in self.seen if one.job in staying]
        yield Ruling("disagreeing", len(records), checks.disagreeing(seen, records))
        counts = {
            name: (one.successes, one.errors)
            for name, one in self.evidence.jobs.items()
            if name in staying and one.is_whole
        }
        yield Ruling("miscounted", len(counts), checks.miscounted(counts, records))
        yield self._untriggered()
        yield Ruling("regressed", len(records), checks.regressed(self._launches()))
        there = {name: self.definitions[name] for name in staying}
        yield Ruling("overtried", len(records), checks.overtried(there, records))
        yield self._late()
        yield self._stale()

    def _untriggered(self) -> Ruling:
        """A dependent does not follow what had ended before it was there."""
        found: list[Finding] = []
        children = [name for name in self.staying if self.wishes[name].plan.parents]
        for name in children:
            since = self.evidence.jobs[name].created
            records = [one for one in self.records if one.job == name or _ended(one) > since]
            wish = {name: self.definitions[name]}
            found += checks.untriggered(wish, records, self.evidence.read, TRIGGER_S)
        fired = sum(one.cause == "parents" for one in self.records)
        return Ruling("untriggered", fired, tuple(found))

    def _launches(self) -> list[Record]:
        """In the order that they were launched; of one that was again only the first is dated."""
        launched = [run.record for run in self.runs if run.launches == 1]
        return sorted(launched, key=lambda one: (one.launched_at or 0.0, one.life))

    def _late(self) -> Ruling:
        firsts = [one for one in self.records if one.cause == "clock" and not one.attempt]
        found = []
        for one in firsts:
            allowed_s = self.wishes[one.job].plan.epsilon_s + LAUNCH_S
            late_s = (one.launched_at or 0.0) - one.instant / 1000
            if late_s > allowed_s:
                found.append(Finding("late", one.job, f"{one.id} was launched {late_s:.3f} s late"))
        return Ruling("late", len(firsts), tuple(found))

    def _stale(self) -> Ruling:
        """Of what was launched once, so that it is known when."""
        by_task = {run.record.task_id: run for run in self.runs if run.launches == 1}
        found, judged = [], 0
        for task in self.evidence.tasks:
            run = by_task.get(task.seen.task_id)
            if run is None or run.record.launched_at is None:
                continue
            judged += 1
            allowed = _allowed(self.wishes[task.seen.job], run.record.launched_at)
            if task.tag not in allowed:
                text = f"{task.seen.task_id} is of version {task.tag}, not of {sorted(allowed)}"
                found.append(Finding("stale", task.seen.job, text))
        return Ruling("stale", judged, tuple(found))

    # --- what clients were told -------------------------------------------------------------

    def _of_clients(self) -> Iterable[Ruling]:
        calls, jobs = self.evidence.calls, self.evidence.jobs
        open_ = unanswered(calls)
        known = set(jobs) | {call.job for call in calls if call.end is End.OK}
        found = checks.uncertain(open_, known, self.seen)
        yield Ruling("uncertain", len(open_), found)
        looks = [(call.asked, call.ended, jobs_seen(call)) for call in calls if call.op == "look"]
        looks = [look for look in looks if look[2]]
        looks.append((self.evidence.read, self.evidence.read, set(jobs)))
        refusals = refused(calls)
        unread = [one for look in looks for one in self._unread(*look)]
        unread += [
            Finding("unread", name, "is there, and was refused")
            for look in looks
            for name in look[2] & refusals
        ]
        yield Ruling("unread", len(looks), tuple(unread))

    def _unread(self, asked: float, ended: float, there: set[str]) -> Iterable[Finding]:
        for name, wish in self.wishes.items():
            if name in there:
                gone = wish.definition.removed_at
                if gone is not None and gone < asked:
                    yield Finding("unread", name, f"is there {asked - gone:.3f} s after its end")
            elif wish.told is not None and wish.told < asked and ended < wish.unwished_at:
                text = f"is not there, {asked - wish.told:.3f} s after it was"
                yield Finding("unread", name, text)

    # --- how well it goes -----------------------------------------------------------------

    def _lags(self) -> tuple[float, ...]:
        recovery_s = self.profile.recovery_s
        return tuple(
            sorted(
                one.start - one.instant / 1000
                for one in self.seen
                if not one.attempt
                and one.by_clock
                and _is_clocked(self.wishes, one)
                and is_quiet(self.evidence, one.instant / 1000, recovery_s)
            )
        )

    def _slow(self, lags: Sequence[float]) -> Ruling:
        limit_s = self.profile.lag_max_s
        over = [one for one in lags if one > limit_s]
        if len(over) <= len(lags) // 100:
            return Ruling("slow", len(lags), ())
        text = f"{len(over)} of {len(lags)} runs began over {limit_s:g} s late: {over[-1]:.3f} s"
        return Ruling("slow", len(lags), (Finding("slow", "", text),))

    def _unrecovered(self) -> Ruling:
        probe, within_s = self.evidence.probe, self.profile.recover_within_s
        found = [
            Finding("unrecovered", "", f"{what} {'never' if took_s is None else f'{took_s:.3f} s'}")
            for what, took_s in (("taken:", probe.acked_s), ("run in time:", probe.on_time_s))
            if took_s is None or took_s > within_s
        ]
        return Ruling("unrecovered", 2, tuple(found))

    def _crashed(self) -> Ruling:
        found = tuple(Finding("crashed", "", line[:300]) for line in self.evidence.crashes)
        return Ruling("crashed", len(self.evidence.topology.all_names()), found)

    def _leftover(self) -> Ruling:
        found = [
            Finding("leftover", run.record.job, f"{run.record.id} is {run.record.state}")
            for run in self.evidence.runs
            if run.record.state in OUT
        ]
        found += [Finding("leftover", "", f"runs: {line}") for line in self.evidence.processes]
        found += [Finding("leftover", "", f"framework {name}") for name in self.evidence.strangers]
        return Ruling("leftover", len(self.evidence.runs), tuple(found))


def _ended(record: Record) -> float:
    return inf if record.ended_at is None else record.ended_at


def _is_clocked(wishes: Mapping[str, Wish], one: Seen) -> bool:
    """Whether a clock tells its instant; that of others is when it was made."""
    wish = wishes.get(one.job)
    return wish is not None and not wish.plan.parents


def _allowed(wish: Wish, launched_at: float) -> set[int]:
    """Versions that a launch at that moment may be of."""
    tags = [one for one in wish.tags if one[1] <= launched_at + LAUNCH_S]
    certain = [acked for _, _, acked in tags if acked < launched_at - LAUNCH_S]
    last = max(certain, default=0.0)
    return {tag for tag, _, acked in tags if acked >= last}


def judge(evidence: Evidence, profile: Profile, *, strict: bool = False) -> Verdict:
    """Judge one run."""
    return Judge(evidence, profile, strict=strict).verdict()
