"""``POST /api/v1/scheduler``: checks in order, streams as links, calls as what links say."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.master.changes import FrameworkKept
from mesostw.core.master.words import FrameworkUpdateAsked
from mesostw.core.outcome import Refusal
from mesostw.http.streams import STREAM_UNSENT_BYTES_MAX, STREAM_UNSENT_BYTES_SOFT
from mesostw.messages import FrameworkID, OfferID, scheduler_calls, scheduler_events
from mesostw.model.ids import LinkId
from mesostw.wire.recordio import Records
from tests.http.world import Answer, MasterWorld, Visit, framework

JSON = {"Content-Type": "application/json"}
PATH = "/api/v1/scheduler"
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "u", "name": "n"}}}
FID = "m-1-0001"


class SchedulerTestCase(SynchronousTestCase):
    """A master's site and one subscribed framework."""

    def setUp(self) -> None:
        self.world = MasterWorld()

    def post(self, body: object, visit: Visit | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        where = visit if visit is not None else self.world.visit()
        return where.ask("POST", PATH, raw, {**JSON, **named})

    def subscribe(self, framework_id: str = FID) -> tuple[Visit, str]:
        visit = self.world.visit()
        answer = self.post(SUBSCRIBE, visit)
        link = LinkId(len(self.world.exchange.peers))
        subscribed = scheduler_events.Subscribed(framework_id=FrameworkID(value=framework_id))
        self.world.exchange.send(link, [subscribed])
        return visit, answer.headers["mesos-stream-id"]

    def events(self, visit: Visit) -> list[dict[str, object]]:
        return [msgspec.json.decode(one) for one in Records().take(visit.now().body)]


class CheckTests(SchedulerTestCase):
    """What is refused, with which words, and before what else."""

    def test_method(self) -> None:
        """Only POST is taken."""
        answer = self.world.get(PATH)
        self.assertEqual((answer.code, answer.headers["allow"]), (405, "POST"))

    def test_leader_first(self) -> None:
        """Who leads is asked before anything else."""
        self.world.leader = "10.0.0.2:5050"
        answer = self.world.visit().ask("GET", PATH)
        self.assertEqual(answer.code, 307)
        self.assertEqual(answer.headers["location"], "//10.0.0.2:5050/api/v1/scheduler")

    def test_content_type(self) -> None:
        """It must be there, and be exactly one that is spoken."""
        answer = self.world.visit().ask("POST", PATH, b"{}")
        self.assertEqual(
            (answer.code, answer.text), (400, "Expecting 'Content-Type' to be present")
        )
        for kind in ("text/plain", "application/json; charset=utf-8", "Application/JSON"):
            answer = self.world.visit().ask("POST", PATH, b"{}", {"Content-Type": kind})
            self.assertEqual(answer.code, 415, kind)
            self.assertIn("application/json or application/x-protobuf", answer.text)

    def test_protobuf(self) -> None:
        """Protobuf is refused with a text that says what to send instead."""
        kind = {"Content-Type": "application/x-protobuf"}
        answer = self.world.visit().ask("POST", PATH, b"\x10\x01", kind)
        self.assertEqual(answer.code, 415)
        self.assertIn("application/json", answer.text)

    def test_bodies(self) -> None:
        """No JSON, JSON that does not fit, and calls that lack something have their own words."""
        for body, text in (
            (b"{", "Failed to parse body into JSON: "),
            (b"\xff\xfe", "Failed to parse body into JSON: "),
            (b"[]", "Failed to convert JSON into Call protobuf: "),
            (
                {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": 7}}},
                "Failed to convert JSON into Call protobuf: ",
            ),
            (
                {"type": "SUBSCRIBE"},
                "Failed to validate scheduler::Call: Expecting 'subscribe' to be present",
            ),
            (
                {"type": "TEARDOWN"},
                "Failed to validate scheduler::Call: Expecting 'framework_id' to be present",
            ),
            ({}, "Failed to validate scheduler::Call: Expecting 'type' to be present"),
        ):
            answer = self.post(body)
            self.assertEqual(answer.code, 400, body)
            self.assertTrue(answer.text.startswith(text), answer.text)

    def test_accept(self) -> None:
        """An answer must be wanted as JSON, or as anything."""
        self.assertEqual(self.post(SUBSCRIBE, Accept="text/html").code, 406)
        self.assertEqual(self.post(SUBSCRIBE, Accept="text/html, */*;q=0.1").code, 200)

    def test_stream_ids(self) -> None:
        """Unknown, absent and bus-connected frameworks, then missing and wrong stream ids."""
        call = {"type": "REVIVE", "framework_id": {"value": FID}}
        answer = self.post(call)
        self.assertEqual((answer.code, answer.text), (400, "Framework cannot be found"))
        self.world.publish(FrameworkKept(framework(1, link=None)))
        answer = self.post(call)
        self.assertEqual((answer.code, answer.text), (403, "Framework is not subscribed"))
        self.world.publish(FrameworkKept(framework(1)))
        answer = self.post(call)
        self.assertEqual((answer.code, answer.text), (403, "Framework is not connected via HTTP"))
        _, stream_id = self.subscribe()
        answer = self.post(call)
        self.assertIn("should include the 'Mesos-Stream-Id' header", answer.text)
        self.assertEqual(answer.code, 400)
        self.assertEqual(self.post(call, Mesos_Stream_Id="another").code, 400)
        self.assertEqual(self.post(call, Mesos_Stream_Id=stream_id).code, 202)

    def test_subscribe_with_a_stream_id(self) -> None:
        """A SUBSCRIBE that names a stream is refused."""
        answer = self.post(SUBSCRIBE, Mesos_Stream_Id="x")
        self.assertEqual(answer.code, 400)
        self.assertEqual(self.world.exchange.peers, [])

    def test_operator_api(self) -> None:
        """Other calls of the v1 API are 501 with a text, on any longer path too."""
        for path in ("/api/v1", "/api/v1/operator", "/api/v1/"):
            answer = self.world.visit().ask("POST", path, b'{"type":"GET_STATE"}', JSON)
            self.assertEqual(answer.code, 501, path)
            self.assertIn("operator API", answer.text)

    def test_large_bodies(self) -> None:
        """A body over the limit is refused by its length alone, with a text."""
        visit = self.world.visit()
        head = f"POST {PATH} HTTP/1.1\r\nHost: m\r\nContent-Length: 99999999\r\n\r\n"
        visit.raw(head.encode())
        self.assertEqual(visit.now().code, 413)
        self.assertIn("at most 16777216 bytes", visit.now().text)
        self.assertTrue(visit.transport.disconnecting)

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=300))
    def test_fuzz_bodies(self, body: bytes) -> None:
        """Any bytes are answered with a refusal that says why."""
        answer = self.post(body or b" ")
        self.assertIn(answer.code, (400, 501))
        self.assertTrue(answer.text)

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=400))
    def test_fuzz_connections(self, data: bytes) -> None:
        """Garbage instead of HTTP is refused or waits for more; the site goes on."""
        self.world.visit().raw(data)
        self.assertEqual(self.world.get("/health").code, 200)


class StreamTests(SchedulerTestCase):
    """A SUBSCRIBE becomes a link, and its answer a stream of records."""

    def test_subscribe(self) -> None:
        """The head comes at once, and the exchange hears the call from a new link."""
        visit = self.world.visit()
        answer = self.post(SUBSCRIBE, visit)
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(len(answer.headers["mesos-stream-id"]), 36)
        (peer,) = self.world.exchange.peers
        self.assertEqual((peer.role, peer.id, peer.version), ("framework", "", "http"))
        self.assertEqual(peer.address, "10.0.0.9:40000")
        ((link, call),) = self.world.exchange.said
        self.assertEqual(link, 1)
        assert isinstance(call, scheduler_calls.Subscribe)
        self.assertEqual(call.framework_info.name, "n")

    def test_one_record_is_one_chunk(self) -> None:
        """Each event is a record, each record a chunk: there are clients that need it."""
        visit, _ = self.subscribe()
        visit.transport.clear()
        beats = [scheduler_events.Heartbeat()] * 2
        self.world.exchange.send(
            LinkId(1), [*beats, scheduler_events.Rescind(offer_id=OfferID(value="ö"))]
        )
        raw = visit.transport.value()
        self.assertTrue(raw.startswith(b'17\r\n20\n{"type":"HEARTBEAT"}\r\n'), raw)
        self.assertEqual(raw.count(b"\r\n"), 6)
        self.assertIn('{"type":"RESCIND","rescind":{"offer_id":{"value":"ö"}}}'.encode(), raw)

    def test_calls(self) -> None:
        """What comes with the stream's id is heard from its link."""
        _, stream_id = self.subscribe()
        call = {
            "type": "DECLINE",
            "framework_id": {"value": FID},
            "decline": {"offer_ids": [{"value": "o"}]},
        }
        self.assertEqual(self.post(call, Mesos_Stream_Id=stream_id).code, 202)
        link, said = self.world.exchange.said[-1]
        self.assertEqual(link, 1)
        self.assertEqual(said, scheduler_calls.Decline(offer_ids=(OfferID(value="o"),)))

    def test_update_framework_is_asked(self) -> None:
        """UPDATE_FRAMEWORK has an answer: 200, or 400 with the core's words."""
        _, stream_id = self.subscribe()
        call = {
            "type": "UPDATE_FRAMEWORK",
            "framework_id": {"value": FID},
            "update_framework": {
                "framework_info": {"user": "u", "name": "x", "id": {"value": FID}}
            },
        }
        self.assertEqual(self.post(call, Mesos_Stream_Id=stream_id).code, 200)
        self.assertIsInstance(self.world.inbox.asked[0], FrameworkUpdateAsked)
        self.world.inbox.answer = Refusal("invalid", "its user may not change")
        answer = self.post(call, Mesos_Stream_Id=stream_id)
        self.assertEqual((answer.code, answer.text), (400, "its user may not change"))

    def test_failover(self) -> None:
        """The last stream to be subscribed is the framework's; the old one's id is void."""
        _, old = self.subscribe()
        _, new = self.subscribe()
        call = {"type": "REVIVE", "framework_id": {"value": FID}}
        self.assertEqual(self.post(call, Mesos_Stream_Id=old).code, 400)
        self.assertEqual(self.post(call, Mesos_Stream_Id=new).code, 202)
        self.assertEqual(self.world.exchange.said[-1][0], 2)

    def test_the_client_goes(self) -> None:
        """The end of the connection is the end of the link, once; sending then does nothing."""
        visit, _ = self.subscribe()
        link = self.world.exchange.links[LinkId(1)]
        visit.hang_up()
        self.assertEqual(self.world.exchange.ends, [(1, "the client has gone")])
        link.send([scheduler_events.Heartbeat()])
        link.close("again")

    def test_close(self) -> None:
        """A closed stream gets what was sent before, then the last chunk."""
        visit, _ = self.subscribe()
        self.world.exchange.send(
            LinkId(1), [scheduler_events.Error(message="Framework failed over")]
        )
        self.world.exchange.close(LinkId(1), "failed over")
        self.world.clock.advance(0)
        answer = visit.now()
        self.assertIn(b"Framework failed over", answer.body)
        self.assertTrue(answer.ended)
        self.assertEqual(self.world.exchange.ends, [(1, "failed over")])

    def test_a_slow_reader(self) -> None:
        """What is not read waits, is told of past the soft limit, and ends past the hard one."""
        visit, _ = self.subscribe()
        visit.channel._channel.pauseProducing()  # type: ignore[union-attr]
        big = scheduler_events.Error(message="x" * 1024 * 1024)
        size = len(visit.transport.value())
        for _ in range(STREAM_UNSENT_BYTES_SOFT // 1024 // 1024 + 1):
            self.world.exchange.send(LinkId(1), [big])
        self.world.clock.advance(0)
        self.assertEqual(self.world.exchange.crowds, [("crowded", 1)])
        self.assertEqual(len(visit.transport.value()), size)
        visit.channel._channel.resumeProducing()  # type: ignore[union-attr]
        self.assertEqual(self.world.exchange.crowds, [("crowded", 1), ("eased", 1)])
        self.assertGreater(len(visit.transport.value()), size)
        visit.channel._channel.pauseProducing()  # type: ignore[union-attr]
        for _ in range(STREAM_UNSENT_BYTES_MAX // 1024 // 1024 + 1):
            self.world.exchange.send(LinkId(1), [big])
        self.world.clock.advance(0)
        self.assertTrue(visit.transport.disconnected)

    def test_a_full_inbox(self) -> None:
        """While there is no room, calls wait for it."""
        _, stream_id = self.subscribe()
        self.world.inbox.full = []
        visit = self.world.visit()
        call = {"type": "REVIVE", "framework_id": {"value": FID}}
        visit.transport.clear()
        headers = {**JSON, "Mesos-Stream-Id": stream_id}
        body = msgspec.json.encode(call)
        lines = [f"POST {PATH} HTTP/1.1", "Host: m", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.assertEqual(visit.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body), b"")
        (resume,), self.world.inbox.full = self.world.inbox.full, None
        resume()
        self.assertEqual(visit.now().code, 202)
