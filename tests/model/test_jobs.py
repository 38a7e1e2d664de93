"""Jobs have the names and defaults of Chronos' API."""

import re

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.jobs import (
    INSTANT_MAX,
    NAME_PATTERN,
    CatchUp,
    Concurrency,
    Constraint,
    Fetch,
    JobName,
    JobSpec,
    Operator,
    Timetable,
    Trigger,
)

#: The API's fields that are one of ours to one, and their defaults.
FIELDS = {
    "command": "",
    "shell": True,
    "executor": "",
    "executorFlags": "",
    "taskInfoData": "",
    "retries": 2,
    "owner": "",
    "ownerName": "",
    "description": "",
    "async": False,
    "cpus": 0.1,
    "mem": 128.0,
    "disk": 256.0,
    "disabled": False,
    "softError": False,
    "dataProcessingJobType": False,
    "highPriority": False,
    "runAsUser": "",
    "uris": (),
    "fetch": (),
    "arguments": (),
    "environmentVariables": (),
    "constraints": (),
    "maxCompletionTime": 0,
    "scheduleTimeZone": "",
    "parents": (),
}

#: Fields that are only ours.
OURS = {
    "startingDeadlineSeconds": None,
    "catchUp": CatchUp.ONE,
    "catchUpMax": 10,
    "concurrency": Concurrency.QUEUE,
    "trigger": Trigger.SUCCESS,
    "retryDelaySeconds": None,
    "retryFactor": 1.0,
    "retryDelayMaxSeconds": 3600.0,
    "disableAfterFailures": None,
    "priority": 0,
    "spreadSeconds": 0.0,
    "unreachableSeconds": 300.0,
    "lateAfterSeconds": None,
    "longAfterSeconds": None,
    "labels": {},
    "hooks": (),
    "historyLimit": 20,
}


class JobSpecTests(SynchronousTestCase):
    """The document of a job."""

    def test_names(self) -> None:
        """Every field has the API's name and default, and there are no others."""
        plain = JobSpec(name=JobName("a"))
        found = {
            field.encode_name: getattr(plain, field.name)
            for field in msgspec.structs.fields(JobSpec)
        }
        # Both are told in other words: ``name`` has no default, ``schedule`` is a text.
        del found["name"], found["timetable"]
        self.assertEqual(found, FIELDS | OURS)

    def test_parts(self) -> None:
        """Parts are read in the API's forms: constraints as lists, fetch in snake case."""
        text = (
            b'{"name": "a b#", "constraints": [["rack", "LIKE", "r.*"]],'
            b' "fetch": [{"uri": "http://x/y", "output_file": "z"}]}'
        )
        job = msgspec.json.decode(text, type=JobSpec)
        self.assertEqual(job.constraints, (Constraint("rack", Operator.LIKE, "r.*"),))
        self.assertEqual(job.fetch, (Fetch(uri="http://x/y", output_file="z"),))

    def test_ranges(self) -> None:
        """What is out of range is no job."""
        for field, value in (
            ("retries", -1),
            ("cpus", 0),
            ("mem", 0),
            ("disk", -1),
            ("maxCompletionTime", -1),
            ("retryFactor", 0.5),
            ("historyLimit", 0),
            ("priority", 1001),
        ):
            with self.assertRaises(msgspec.ValidationError, msg=field):
                msgspec.convert({"name": "a", field: value}, JobSpec)

    def test_name(self) -> None:
        """Names of both API versions fit; a slash, a line's end and nothing do not."""
        for name in ("a", "a-b.c_d", "with blanks #1", "größe"):
            self.assertTrue(re.fullmatch(NAME_PATTERN, name), name)
        for name in ("", "a/b", "a\n", "a:b", "a;b"):
            self.assertIsNone(re.fullmatch(NAME_PATTERN, name), name)

    def test_kinds(self) -> None:
        """A job with parents is a dependent one."""
        parents = (JobName("b"),)
        self.assertTrue(JobSpec(name=JobName("a"), parents=parents).is_dependent)
        self.assertFalse(JobSpec(name=JobName("a")).is_dependent)


class TimetableTests(SynchronousTestCase):
    """When jobs run, as a store keeps it."""

    def test_kept(self) -> None:
        """A timetable says of which kind it is, and its anchor has no offset of its own."""
        text = (
            b'{"type":"repeating","anchor":"2024-01-31T02:15:00","period":{"months":1},'
            b'"zone":"Europe/Berlin"}'
        )
        read = msgspec.json.decode(text, type=Timetable)
        self.assertEqual(msgspec.json.encode(read), text)
        cron = b'{"type":"cron","expressions":["0 7 * * 1-5"],"since":0,"without":["2026-12-25"]}'
        self.assertEqual(msgspec.json.encode(msgspec.json.decode(cron, type=Timetable)), cron)

    def test_last_instant(self) -> None:
        """The last instant is the last millisecond of the year 9999."""
        self.assertEqual(INSTANT_MAX % 1000, 999)
        self.assertEqual((INSTANT_MAX + 1) // 1000, 253_402_300_800)
