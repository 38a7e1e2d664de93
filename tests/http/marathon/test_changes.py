"""What changes apps, and every error that a client may meet on the way."""

from __future__ import annotations

from msgspec import Struct
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.framework.refusing import Fault
from mesostw.core.marathon.words import (
    AppRemovalAsked,
    AppRestartAsked,
    AppsAsked,
    InstancesKillAsked,
    Killed,
    Locked,
    Planned,
    Terms,
    Unfit,
)
from mesostw.core.outcome import Refusal
from mesostw.http.api.asking import ANSWER_TIMEOUT_S
from mesostw.model.apps import App, AppId, DeploymentId
from tests.core.marathon.builders import V2, app, instance
from tests.http.marathon.world import MarathonWorld
from tests.http.world import Answer

RESULT = {"version": V2, "deploymentId": "d-7"}
CLIENT = "10.0.0.9"


def planned(*apps: App, created: bool = False) -> Planned:
    """A change that began deployment ``d-7``."""
    ids = frozenset(one.id for one in apps) if created else frozenset()
    return Planned(V2, DeploymentId("d-7"), apps, ids)


class Changes(SynchronousTestCase):
    """A site with one app."""

    def setUp(self) -> None:
        self.world = MarathonWorld()
        self.app = app("/shop/db", instances=2)
        self.world.add(self.app, *(instance(self.app, number=number) for number in (1, 2)))

    def ask(self, answer: Struct | None, method: str, path: str, body: object = None) -> Answer:
        """Ask while the core is about to answer ``answer``."""
        self.world.core.answers[:] = [answer]
        return self.world.ask(method, path, body)

    @property
    def asked(self) -> object:
        return self.world.core.asked[-1]

    def check_result(self, answer: Answer, code: int = 200) -> None:
        self.assertEqual((answer.code, answer.json), (code, RESULT))
        self.assertEqual(answer.headers["marathon-deployment-id"], "d-7")


class CreateTests(Changes):
    """``POST /v2/apps``."""

    def test_create(self) -> None:
        """201, the whole app with nothing running yet, and where it and its deployment are."""
        new = app("/new", V2, cmd="true")
        answer = self.ask(planned(new, created=True), "POST", "/v2/apps", {"id": "new"})
        self.assertEqual(answer.code, 201)
        self.assertEqual(answer.headers["location"], "/v2/apps/new")
        self.assertEqual(answer.headers["marathon-deployment-id"], "d-7")
        shown = answer.json
        self.assertEqual((shown["id"], shown["version"], shown["tasks"]), ("/new", V2, []))
        self.assertEqual(shown["deployments"], [{"id": "d-7"}])
        self.assertEqual([shown[f"tasks{one}"] for one in ("Staged", "Running")], [0, 0])
        self.assertEqual([shown[f"tasks{one}"] for one in ("Healthy", "Unhealthy")], [0, 0])
        terms = Terms(client_ip=CLIENT, uri="/v2/apps")
        self.assertEqual(self.asked, AppsAsked(({"id": "new"},), terms, may_exist=False))

    def test_terms(self) -> None:
        """``force`` in any case, and a deadline, which is ours."""
        for text, force in (("true", True), ("True", True), ("False", False), ("", False)):
            path = f"/v2/apps?force={text}&deadlineSeconds=90"
            self.ask(planned(self.app), "POST", path, {"id": "a"})
            question = self.asked
            assert isinstance(question, AppsAsked)
            self.assertEqual(
                question.terms,
                Terms(force=force, deadline_s=90.0, client_ip=CLIENT, uri="/v2/apps"),
            )

    def test_bad_deadline(self) -> None:
        """A deadline that is none names itself, and nothing is asked."""
        for text in ("soon", "-1", "0", "nan", "1e99"):
            answer = self.ask(None, "POST", f"/v2/apps?deadlineSeconds={text}", {"id": "a"})
            self.assertEqual(answer.code, 400)
            self.assertIn(f"deadlineSeconds is '{text}'", answer.json["message"])
        self.assertEqual(self.world.core.asked, [])

    def test_wrong_type_of_content(self) -> None:
        """A body is read as JSON, whatever it calls itself."""
        self.world.answering(planned(self.app))
        answer = self.world.ask(
            "POST", "/v2/apps", {"id": "a"}, {"Content-Type": "text/plain", "Accept": "text/html"}
        )
        self.assertEqual(answer.code, 201)

    def test_form(self) -> None:
        """A body that calls itself a form, as curl's does, is no part of the query."""
        self.world.answering(planned(self.app))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        document = {"id": "a", "cmd": "x&force=true&y"}
        self.assertEqual(self.world.ask("POST", "/v2/apps", document, form).code, 201)
        terms = Terms(client_ip=CLIENT, uri="/v2/apps")
        self.assertEqual(self.asked, AppsAsked((document,), terms, may_exist=False))

    def test_no_json(self) -> None:
        """A body that is no JSON is 400 with the parser's text."""
        for body in (b"", b"{", b"id=3", b"\xff", b"[" * 100_000):
            answer = self.world.ask("POST", "/v2/apps", body)
            self.assertEqual((answer.code, answer.json["message"]), (400, "Invalid JSON"))
            self.assertIsInstance(answer.json["details"], str)
        self.assertEqual(self.world.core.asked, [])

    def test_wrong_shape(self) -> None:
        """An array where an object is wanted is 422 with its place, and the other way round."""
        answer = self.world.ask("POST", "/v2/apps", [])
        self.assertEqual(answer.code, 422)
        self.assertEqual(
            answer.json,
            {
                "message": "Invalid JSON",
                "details": [{"path": "/", "errors": ["error.expected.jsobject"]}],
            },
        )
        answer = self.world.ask("PUT", "/v2/apps", {})
        self.assertEqual(answer.json["details"][0]["errors"], ["error.expected.jsarray"])
        answer = self.world.ask("PUT", "/v2/apps", [{}, 3])
        self.assertEqual(answer.json["details"][0]["path"], "/(1)")


class RefusalTests(Changes):
    """What the core refuses, in the words and with the status of the API."""

    def refused(self, unfit: Struct) -> Answer:
        return self.ask(unfit, "PUT", "/v2/apps/shop/db", {"cmd": "x"})

    def test_faults(self) -> None:
        """Faults are told with their places."""
        for reason, message in (
            ("invalid", "Object is not valid"),
            ("malformed", "Invalid JSON"),
        ):
            faults = (Fault("/constraints(0)", ("wrong", "bad")),)
            answer = self.refused(Unfit(reason, message, faults))
            self.assertEqual(answer.code, 422)
            details = [{"path": "/constraints(0)", "errors": ["wrong", "bad"]}]
            self.assertEqual(answer.json, {"message": message, "details": details})

    def test_requirement(self) -> None:
        """A refusal of the whole has a message and nothing else."""
        answer = self.refused(Unfit("invalid", "requirement failed: no"))
        self.assertEqual((answer.code, answer.json), (422, {"message": "requirement failed: no"}))

    def test_locked(self) -> None:
        """A lock names the deployments in the way."""
        ids = (DeploymentId("d-1"), DeploymentId("d-2"))
        answer = self.refused(Locked("locked", "App is locked", deployments=ids))
        self.assertEqual(answer.code, 409)
        self.assertEqual(answer.json["deployments"], [{"id": "d-1"}, {"id": "d-2"}])

    def test_exists(self) -> None:
        """Something of that name has no ``deployments``: clients tell the two 409 by it."""
        answer = self.refused(Unfit("exists", "An app with id [/x] already exists."))
        self.assertEqual(answer.code, 409)
        self.assertEqual(answer.json, {"message": "An app with id [/x] already exists."})

    def test_others(self) -> None:
        """Each reason has its status."""
        for reason, code in (("unknown", 404), ("overload", 403), ("bad_request", 400)):
            answer = self.refused(Unfit(reason, "no"))
            self.assertEqual((answer.code, answer.json), (code, {"message": "no"}))
        self.assertEqual(self.refused(Refusal("not_leading", "no")).code, 503)

    def test_stopping(self) -> None:
        """A daemon that stops answers 503."""
        self.world.core.stopped = True
        answer = self.world.ask("DELETE", "/v2/apps/shop/db")
        self.assertEqual((answer.code, answer.json["message"]), (503, "the daemon stops"))

    def test_late(self) -> None:
        """What is not answered in time is 503: the client need not wait for ever."""
        self.world.core.silent = True
        visit = self.world.visit()
        visit.raw(b"DELETE /v2/apps/shop/db HTTP/1.1\r\nHost: m\r\n\r\n")
        self.world.clock.advance(ANSWER_TIMEOUT_S - 1)
        self.assertEqual(visit.transport.value(), b"")
        self.world.clock.advance(1)
        answer = visit.now()
        self.assertEqual(answer.code, 503)
        self.assertIn("may be done all the same", answer.json["message"])
        self.assertEqual(len(self.world.core.asked), 1)

    def test_answered_in_time(self) -> None:
        """Nothing is left behind when an answer comes."""
        self.check_result(self.ask(planned(), "DELETE", "/v2/apps/shop/db"))
        waits = [call.getTime() for call in self.world.clock.getDelayedCalls()]
        self.assertNotIn(ANSWER_TIMEOUT_S, waits)

    def test_bug(self) -> None:
        """An answer that nobody understands is 500 as JSON, and is logged."""
        answer = self.refused(Killed(()))
        self.assertEqual(answer.code, 500)
        self.assertIn("log of this daemon", answer.json["message"])
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class UpdateTests(Changes):
    """``PUT`` and ``PATCH``."""

    def test_put(self) -> None:
        """The path says which app; what is left out stays, unless the client says otherwise."""
        self.check_result(
            self.ask(planned(self.app), "PUT", "/v2/apps//shop/db", {"id": "x", "instances": 5})
        )
        terms = Terms(client_ip=CLIENT, uri="/v2/apps//shop/db")
        document = {"id": "/shop/db", "instances": 5}
        self.assertEqual(self.asked, AppsAsked((document,), terms))
        self.ask(planned(self.app), "PUT", "/v2/apps/shop/db?partialUpdate=False", {"cmd": "x"})
        question = self.asked
        assert isinstance(question, AppsAsked)
        self.assertEqual((question.partial, question.may_create), (False, True))

    def test_put_new(self) -> None:
        """An app that had not been there is 201 with its place."""
        new = app("/new")
        answer = self.ask(planned(new, created=True), "PUT", "/v2/apps/new", {"cmd": "x"})
        self.check_result(answer, 201)
        self.assertEqual(answer.headers["location"], "/v2/apps/new")

    def test_put_many(self) -> None:
        """Several apps are one deployment, and one answer."""
        documents = [{"id": "/a", "cmd": "x"}, {"id": "/b", "cmd": "y"}]
        answer = self.ask(planned(app("/a"), app("/b"), created=True), "PUT", "/v2/apps", documents)
        self.check_result(answer)
        question = self.asked
        assert isinstance(question, AppsAsked)
        self.assertEqual(list(question.documents), documents)

    def test_patch(self) -> None:
        """An app that is patched has to be there."""
        self.check_result(self.ask(planned(self.app), "PATCH", "/v2/apps/shop/db", {"mem": 64}))
        question = self.asked
        assert isinstance(question, AppsAsked)
        self.assertEqual((question.may_create, question.partial), (False, True))
        self.check_result(self.ask(planned(self.app), "PATCH", "/v2/apps", [{"id": "/shop/db"}]))

    def test_restart(self) -> None:
        """The last word is what is asked for, also behind a doubled slash."""
        answer = self.ask(planned(self.app), "POST", "/v2/apps//shop/db/restart?force=true")
        self.check_result(answer)
        terms = Terms(force=True, client_ip=CLIENT, uri="/v2/apps//shop/db/restart")
        self.assertEqual(self.asked, AppRestartAsked(AppId("/shop/db"), terms))

    def test_delete(self) -> None:
        """An app is ended by force, unless the client says otherwise."""
        for query, force in (("", True), ("?force=false", False), ("?force=True", True)):
            self.check_result(self.ask(planned(), "DELETE", f"/v2/apps/shop/db{query}"))
            question = self.asked
            assert isinstance(question, AppRemovalAsked)
            self.assertEqual((question.app_id, question.terms.force), ("/shop/db", force))

    def test_not_allowed(self) -> None:
        """What a path does not do is 405 with what it does."""
        for method, path in (
            ("DELETE", "/v2/apps"),
            ("POST", "/v2/apps/shop/db"),
            ("POST", "/v2/apps/shop/db/tasks"),
            ("TRACE", "/v2/apps"),
        ):
            answer = self.world.ask(method, path, {})
            self.assertEqual(answer.code, 405)
            self.assertIn("GET", answer.headers["allow"])
            self.assertEqual(answer.json, {"message": "HTTP 405 Method Not Allowed"})


class EndTasksTests(Changes):
    """``DELETE .../tasks`` and ``POST /v2/tasks/delete``."""

    def setUp(self) -> None:
        super().setUp()
        self.killed = Killed((instance(self.app, number=1, ports=(31_000,)),))
        self.terms = Terms(client_ip=CLIENT, uri="/v2/apps/shop/db/tasks")

    def test_all(self) -> None:
        """The tasks are answered as they were; ``*`` is every host."""
        for query, hostname in (("", None), ("?host=*", None), ("?host=n1", "n1")):
            answer = self.ask(self.killed, "DELETE", f"/v2/apps/shop/db/tasks{query}")
            self.assertEqual(answer.json["tasks"][0]["id"], "shop_db.instance-0001._app.1")
            self.assertEqual(
                self.asked,
                InstancesKillAsked(self.terms, app_id=AppId("/shop/db"), hostname=hostname),
            )

    def test_scale(self) -> None:
        """With ``scale`` it is a deployment."""
        self.check_result(self.ask(planned(), "DELETE", "/v2/apps/shop/db/tasks?scale=true"))
        question = self.asked
        assert isinstance(question, InstancesKillAsked)
        self.assertTrue(question.scale)

    def test_scale_and_wipe(self) -> None:
        """Both at once are refused."""
        answer = self.ask(None, "DELETE", "/v2/apps/shop/db/tasks?scale=true&wipe=true")
        self.assertEqual(answer.code, 400)
        self.assertEqual(
            answer.json, {"message": "You cannot use scale and wipe at the same time."}
        )

    def test_one(self) -> None:
        """One task is answered alone."""
        task_id = "shop_db.instance-0001._app.1"
        answer = self.ask(self.killed, "DELETE", f"/v2/apps/shop/db/tasks/{task_id}?wipe=true")
        self.assertEqual(answer.json["task"]["id"], task_id)
        question = self.asked
        assert isinstance(question, InstancesKillAsked)
        self.assertEqual((question.task_ids, question.wipe), ((task_id,), True))

    def test_unknown(self) -> None:
        """An unknown app or task is 404."""
        answer = self.ask(None, "DELETE", "/v2/apps/nope/tasks")
        self.assertEqual(answer.json, {"message": "App '/nope' does not exist"})
        answer = self.ask(None, "DELETE", "/v2/apps/shop/db/tasks/x")
        missing = (404, {"message": "Task 'x' does not exist"})
        self.assertEqual((answer.code, answer.json), missing)

    def test_ended_meanwhile(self) -> None:
        """A task that ends while it is asked for is as good as unknown."""
        answer = self.ask(Killed(()), "DELETE", "/v2/apps/shop/db/tasks/shop_db.instance-0001")
        self.assertEqual(answer.code, 404)

    def test_named(self) -> None:
        """Tasks of several apps by their ids."""
        ids = [
            "shop_db.instance-0001._app.1",
            "other.instance-2._app.1",
            "old.2f3c",
            "a.marathon-1",
        ]
        answer = self.ask(self.killed, "POST", "/v2/tasks/delete", {"ids": ids})
        self.assertEqual(len(answer.json["tasks"]), 1)
        question = self.asked
        assert isinstance(question, InstancesKillAsked)
        self.assertEqual((list(question.task_ids or ()), question.app_id), (ids, None))

    def test_bad_ids(self) -> None:
        """An id that no task can have is 400 and named."""
        answer = self.ask(None, "POST", "/v2/tasks/delete", {"ids": ["x"]})
        self.assertEqual(answer.code, 400)
        self.assertTrue(answer.json["message"].startswith("Invalid task id 'x'. ["))
        for body in ({}, {"ids": None}, {"ids": "x"}, {"ids": [3]}, {"ids": ["a.b"] * 10_001}):
            self.assertEqual(self.ask(None, "POST", "/v2/tasks/delete", body).code, 400)
        self.assertEqual(self.world.core.asked, [])
