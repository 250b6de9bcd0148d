"""A Live session without a socket: its setup, turns, calls, interruptions, resumption and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.json.typed_values import read_object
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep
from mockllm.core.reply.reply import Choice, NativePart, Reply, Text
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.dialects import LIVE
from mockllm.dialects.gemini.live import dialect as live_dialect
from mockllm.dialects.gemini.live import session as live
from mockllm.dialects.gemini.live.dialect import LiveRequest
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.gemini.live.live_socket import GEMINI, LOOK, TEXT, VERTEX, LiveSocket, kinds, text
from tests.language.virtual_server import VirtualServer, raw_request


def test_setup_is_completed() -> None:
    opened = LiveSocket(open=False)
    assert (opened.opening, opened.set_up(), opened.closes) == ([], [{"setupComplete": {}}], [])


@pytest.mark.parametrize("path", [GEMINI, VERTEX], ids=["gemini", "vertex"])
def test_turns_build_a_conversation(path: str) -> None:
    opened = LiveSocket(path)
    messages = opened.say("one")
    assert text(messages) == "one! Turn 1."
    assert messages[-2] == {"serverContent": {"generationComplete": True}}
    assert messages[-1]["serverContent"] == {"turnComplete": True}
    usage = messages[-1]["usageMetadata"]
    kind = "candidates" if path == VERTEX else "response"
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage[f"{kind}TokenCount"]
    assert usage[f"{kind}TokensDetails"][0]["modality"] == "TEXT"
    assert text(opened.say("two")) == "two! Turn 2."


def test_turn_waits_for_its_end() -> None:
    opened = LiveSocket()
    assert opened.say("one", turnComplete=False) == []
    assert text(opened.send({"client_content": {"turn_complete": True}})) == "one! Turn 1."
    assert text(opened.send({"realtimeInput": {"text": "two"}})) == "two! Turn 2."


def test_conversation_has_a_bound_on_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_CONVERSATION", 1000)
    opened = LiveSocket()
    turns = [text(opened.say("x" * 200))[-2] for _ in range(5)]
    assert turns == ["1", "2", "3", "3", "3"]


def test_counts_beside_the_usual_ones_are_named() -> None:
    usage = LiveSocket().say("counted")[-1]["usageMetadata"]
    assert (usage["cachedContentTokenCount"], usage["thoughtsTokenCount"]) == (2, 3)


def test_spoken_turn_is_audio_with_a_requested_transcript() -> None:
    opened = LiveSocket(generationConfig=None)
    assert set(kinds(opened.say("one"))[:-3]) == {"modelTurn"}
    requested = LiveSocket(generationConfig=None, outputAudioTranscription={})
    messages = requested.say("one")
    transcript = "".join(
        message["serverContent"]["outputTranscription"]["text"]
        for message in messages
        if "outputTranscription" in message.get("serverContent", {})
    )
    assert transcript == "one! Turn 1."
    (blob,) = messages[0]["serverContent"]["modelTurn"]["parts"]
    assert blob["inlineData"]["mimeType"] == "audio/pcm;rate=24000"
    assert messages[-1]["usageMetadata"]["responseTokensDetails"][0]["modality"] == "AUDIO"
    assert text(requested.say("two")) == ""
    assert requested.say("three")[1]["serverContent"] == {"outputTranscription": {"text": "three"}}


def test_speech_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def noted(payload: bytes) -> dict[str, Any]:
        read.append(payload)
        return read_object(payload)

    monkeypatch.setattr(live_dialect, "read_object", noted)
    opened = LiveSocket(generationConfig=None, sessionResumption={})
    opened.say("one")
    assert read
    assert not any(b"inlineData" in payload for payload in read)
    opened.say("two")
    assert roles(opened) == ["user: one", "model: one! Turn 1.", "user: two"]


def test_thoughts_are_sent_on_request() -> None:
    config = {**TEXT, "thinkingConfig": {"includeThoughts": True}}
    first = LiveSocket(generationConfig=config).say("thought")[0]
    assert first["serverContent"]["modelTurn"]["parts"] == [{"text": "Hm", "thought": True}]
    assert text(LiveSocket().say("thought")) == "One"


def test_extras_are_messages_before_the_turn() -> None:
    messages = LiveSocket().say("away")
    assert messages[0] == {"goAway": {"timeLeft": "10s"}}
    assert text(messages) == "One"


def test_filtered_turn_says_why_it_is_complete() -> None:
    content = LiveSocket().say("filtered")[-1]["serverContent"]
    assert content == {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}


def test_call_waits_for_its_result() -> None:
    opened = LiveSocket(tools=LOOK)
    assert opened.say("go") == [{"toolCall": {"functionCalls": [{"name": "look", "args": {}, "id": "c1"}]}}]
    assert text(opened.results("c1")) == "I see a cat."


def test_calls_wait_for_all_results() -> None:
    opened = LiveSocket(tools=LOOK, model="models/gemini-2.0-flash-live")
    (message,) = opened.say("two")
    ids = [call["id"] for call in message["toolCall"]["functionCalls"]]
    assert ids == ["c1", "call_1"]
    assert opened.results("c1") == []
    assert text(opened.results("call_1")) == "I see a cat."


def test_call_without_arguments_that_are_json_is_left_out() -> None:
    assert kinds(LiveSocket().say("bare")) == []


def test_call_in_the_background_ends_its_turn() -> None:
    tools = [{"functionDeclarations": [{"name": "look", "behavior": "NON_BLOCKING"}]}]
    opened = LiveSocket(tools=tools)
    assert kinds(opened.say("go")) == ["toolCall", "generationComplete", "turnComplete"]
    assert opened.results("c1", scheduling="SILENT") == []
    assert text(opened.send({"clientContent": {"turnComplete": True}})) == "I see a cat."


@pytest.mark.parametrize("scheduling", ["WHEN_IDLE", "INTERRUPT"])
def test_result_during_a_turn_waits_or_interrupts(scheduling: str) -> None:
    opened = LiveSocket()
    opened.held.add(live.TURN)
    opened.say("slow")
    opened.held.clear()
    messages = opened.results("c9", scheduling=scheduling)
    if scheduling == "INTERRUPT":
        assert messages[:2] == [
            {"serverContent": {"interrupted": True}},
            {"serverContent": {"turnComplete": True}},
        ]
        assert text(messages) == "One two"
        return
    assert messages == []
    assert text(opened.say("next", after=9.0)).startswith("next! Turn 2.")


def test_content_interrupts_and_cancels_calls() -> None:
    opened = LiveSocket(tools=LOOK)
    opened.say("go")
    messages = opened.say("never mind", turnComplete=False)
    assert messages == [{"toolCallCancellation": {"ids": ["c1"]}}]


def roles(opened: LiveSocket) -> list[str]:
    """The roles and texts of the contents that the last turn was made from."""
    contents = json.loads(opened.started[-1].body)["contents"]
    return [f"{content['role']}: {content['parts'][0].get('text')}" for content in contents]


@pytest.mark.parametrize(
    "message",
    [
        {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "stop"}]}], "turnComplete": True}},
        {"realtimeInput": {"text": "stop"}},
    ],
    ids=["clientContent", "realtimeInput"],
)
def test_interrupted_turn_is_before_what_interrupts_it(message: Any) -> None:
    opened = LiveSocket()
    opened.held.add(live.TURN)
    opened.say("slow")
    opened.held.clear()
    opened.send(message, 0.5)
    assert roles(opened) == ["user: slow", "model: One", "user: stop"]


def test_oldest_contents_leave_during_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_CONTENTS", 2)
    opened = LiveSocket()
    opened.held.add(live.TURN)
    opened.say("slow")
    opened.held.clear()
    turns = [{"role": "user", "parts": [{"text": text}]} for text in "abc"]
    opened.send({"clientContent": {"turns": turns, "turnComplete": True}}, 0.5)
    assert roles(opened) == ["user: b", "user: c"]


def test_turn_before_the_setup_is_complete_waits_for_it() -> None:
    first = LiveSocket(sessionResumption={})
    handle = first.say("one")[-1]["sessionResumptionUpdate"]["newHandle"]
    opened = LiveSocket(open=False)
    opened.engine = first.engine
    opened.held.add(live.SETUP)
    assert opened.set_up(sessionResumption={"handle": handle}) == []
    assert opened.say("two") == []
    kinds_sent = kinds(opened.release(live.SETUP))
    assert kinds_sent[:3] == ["setupComplete", "sessionResumptionUpdate", "modelTurn"]
    assert roles(opened) == ["user: one", "model: one! Turn 1.", "user: two"]


def test_bytes_of_media_are_not_remembered() -> None:
    opened = LiveSocket()
    part = {"inlineData": {"mimeType": "image/png", "data": "x" * 100}}
    opened.send({"clientContent": {"turns": [{"role": "user", "parts": [part, {"text": "a"}]}]}})
    assert "xxx" not in repr(vars(opened.session))


def test_conversation_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_CONTENTS", 3)
    opened = LiveSocket()
    for place in range(5):
        last = opened.say(str(place))
    assert text(last) == "4! Turn 2."


def test_session_is_resumed_by_its_last_handle() -> None:
    opened = LiveSocket(open=False)
    first = opened.set_up(sessionResumption={})[-1]["sessionResumptionUpdate"]
    assert first["resumable"] is True
    last = opened.say("one")[-1]["sessionResumptionUpdate"]["newHandle"]
    for handle, turn in ((first["newHandle"], 1), (last, 2)):
        other = LiveSocket(open=False)
        other.engine = opened.engine
        update = other.set_up(sessionResumption={"handle": handle})[-1]["sessionResumptionUpdate"]
        assert text(other.say("two")) == f"two! Turn {turn}."
        assert update["newHandle"]


def test_handle_of_an_interrupted_turn_has_what_was_sent() -> None:
    opened = LiveSocket(sessionResumption={})
    opened.held.add(live.TURN)
    opened.say("slow")
    opened.held.clear()
    messages = opened.say("stop", after=0.5, turnComplete=False)
    handle = messages[-1]["sessionResumptionUpdate"]["newHandle"]
    other = LiveSocket(open=False)
    other.engine = opened.engine
    other.set_up(sessionResumption={"handle": handle})
    other.say("go on")
    assert roles(other) == ["user: slow", "model: One", "user: go on"]


@pytest.mark.parametrize(
    ("setup", "close"),
    [
        ({"sessionResumption": {"handle": "h"}}, (1008, "Requested entity was not found.")),
        ({"model": None}, (1007, "model is required.")),
        ({"model": "closed"}, (1007, "API key not valid. Please pass a valid API key.")),
    ],
)
def test_setup_that_is_refused_closes_the_socket(setup: Any, close: tuple[int, str]) -> None:
    opened = LiveSocket(open=False)
    path = f"{opened.path}?key=k" if setup.get("model") == "closed" else opened.path
    opened.path, _, opened.query = path.partition("?")
    opened.set_up(**setup)
    assert opened.closes == [close]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "Invalid JSON payload received."),
        ({"contents": 1}, 'Invalid JSON payload received. Unknown name "contents": Cannot find field.'),
        ({"setup": {"model": "m"}}, "setup must be the first message and only the first."),
    ],
)
def test_message_out_of_place_closes_the_socket(message: Any, reason: str) -> None:
    opened = LiveSocket()
    opened.send(message)
    assert opened.closes == [(1007, reason)]


def test_content_before_the_setup_closes_the_socket() -> None:
    opened = LiveSocket(open=False)
    opened.say("one")
    assert [code for code, _ in opened.closes] == [1007]
    binary = LiveSocket(open=False)
    assert binary.send(b'{"setup": {"model": "m"}}') == [{"setupComplete": {}}]


SETUP = {"setup": {"model": "m"}}
CONTENT = {"clientContent": {"turnComplete": True}}


@pytest.mark.parametrize(
    ("open", "message", "name"),
    [
        (False, {**CONTENT, **SETUP}, "setup"),
        (False, {**SETUP, **CONTENT}, "clientContent"),
        (True, {**CONTENT, "tool_response": {}}, "toolResponse"),
    ],
)
def test_message_of_two_kinds_closes_the_socket(open: bool, message: Any, name: str) -> None:
    opened = LiveSocket(open=open)
    assert opened.send(message) == []
    reason = f"Invalid value (oneof), oneof field 'message_type' is already set. Cannot set '{name}'"
    assert opened.closes == [(1007, reason)]


def test_null_is_no_kind_of_a_message() -> None:
    opened = LiveSocket(open=False)
    assert opened.send({**SETUP, "clientContent": None}) == [{"setupComplete": {}}]
    assert opened.send({"setup": None}) == []
    assert opened.closes == []
    unset = LiveSocket(open=False)
    unset.send({"setup": None})
    assert [code for code, _ in unset.closes] == [1007]


@pytest.mark.parametrize(
    ("user", "code", "reason"),
    [("limit", 1011, "You exceeded your current quota"), ("missing", 1008, "Gone")],
)
def test_error_of_a_rule_closes_the_socket(user: str, code: int, reason: str) -> None:
    opened = LiveSocket()
    assert opened.say(user) == []
    ((shown, why),) = opened.closes
    assert (shown, why.startswith(reason)) == (code, True)


def test_error_inside_a_turn_follows_what_was_sent() -> None:
    opened = LiveSocket()
    assert text(opened.say("broken")) == "One"
    assert [code for code, _ in opened.closes] == [1011]


def test_turn_without_a_role_is_refused() -> None:
    opened = LiveSocket()
    opened.send({"clientContent": {"turns": [{"parts": [{"text": "a"}]}], "turnComplete": True}})
    assert opened.closes == [(1007, "Request contains an invalid argument.")]


@pytest.mark.parametrize("field", ["id", "scheduling"])
@pytest.mark.parametrize("value", [[], {}, 7])
def test_result_with_a_wrong_field_closes(field: str, value: Any) -> None:
    opened = LiveSocket()
    opened.results("c1", **{field: value})
    assert opened.closes == [(1007, "Request contains an invalid argument.")]


def test_turn_without_its_end_leaves_the_session_usable() -> None:
    opened = LiveSocket()
    assert kinds(opened.say("unended")) == ["modelTurn"]
    assert text(opened.say("a")) == "a! Turn 2."


@pytest.mark.parametrize("body", ["odd", "other"])
def test_body_of_a_rule_is_a_message(body: str) -> None:
    opened = LiveSocket(sessionResumption={})
    contents = [{"role": "user", "parts": [{"text": body}]}]
    sent = json.dumps({"model": "m", "contents": contents, "live": {"handle": "h"}}).encode()
    request = opened.engine.read("WS turn", GEMINI, "", {}, sent, "", 0.0)
    plan = opened.session.messages(live.TURN, request, opened.engine.respond(request).plan)
    assert [step.payload for step in plan.steps if isinstance(step, EventStep)] == [
        b"no JSON" if body == "odd" else b"[]"
    ]
    assert len(opened.session.ended(live.TURN, None)) == 1


def test_handshake_may_be_refused() -> None:
    rules = "rules: [{match: {api: handshake, path: /ws/google.cloud*}, error: authentication}]"
    refused = VirtualServer(rules).respond(
        raw_request(VERTEX, method="GET", headers={"upgrade": "websocket", "authorization": "Bearer t"})
    )
    assert (refused.status, refused.json["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_setup_without_validation_is_completed() -> None:
    server = VirtualServer("validation: lenient\nrules: [{reply: x}]")
    request = server.engine.read("WS setup", GEMINI, "", {}, b"{", "", 0.0)
    assert server.engine.respond(request).plan.head.status == 200


def test_dialect_builds_requests_and_shows_native_parts() -> None:
    request = LiveRequest(method="WS turn", path=GEMINI, headers={}, raw=b'{"model": 7}')
    assert (request.model, request.sse, LIVE.encoding_key(request)) == (None, False, b'{"model": 7}')
    parts = (NativePart("gemini", {"executableCode": {"code": "x"}}), Text(("a",)))
    plan = LIVE.encode_body(Reply((Choice(parts),)), request, ResponseIdentity(Ids(0, "", 1), 0.0))
    assert b"executableCode" in sent_bytes(plan)
    decoded = LIVE.decode(plan)
    assert decoded is not None
    assert (decoded.text, decoded.finish) == ("a", "stop")
    assert LIVE.storage_update(plan, request) is None
    assert "contents" in LIVE.build_request(NeutralRequest(user="a")).body
