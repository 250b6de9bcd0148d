"""Interactions: their requests, steps, streams, stored and background ones, and their errors."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import events
from mockllm.core.reply.reply import Choice, Media, NativePart, Refusal, Reply, Text
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.dialects import INTERACTIONS
from mockllm.dialects.gemini.interactions.request import InteractionRequest
from mockllm.dialects.gemini.interactions.stored_interactions import interaction_of
from mockllm.dialects.neutral_request import NeutralRequest
from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - name: call
    match: {tools: look, tool_result: {exists: false}}
    reply: {thinking: Let me see, tool_calls: [{name: look, arguments: {a: 1}}]}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - {name: image, match: {user: draw}, reply: {images: [{size: 8x8}]}}
  - {name: limited, match: {user: limit}, error: rate_limit}
  - {name: broken, match: {user: broken}, reply: {chunks: [One, {error: overloaded}]}}
  - {name: unended, match: {user: unended}, reply: One, faults: [no_finish]}
  - {name: short, match: {user: short}, reply: {text: One, finish_reason: length}}
  - {name: extra, match: {user: extra}, reply: {text: One, extras: {gemini: {labels: {a: b}, candidates: [{x: 1}]}}}}
  - {name: polled, match: {user: polled}, reply: One, pace: {queued_polls: 1, in_progress_polls: 1}}
  - {name: odd, match: {user: odd}, http: {body: "[]"}}
  - {name: echo, reply: "{{ user }}! Turn {{ turn }}."}
"""
LOOK: Json = [
    {"type": "function", "name": "look", "parameters": {"type": "object"}},
    {"type": "google_search"},
]


class Interacting:
    """A server, and the calls of interactions."""

    def __init__(self, rules: str = RULES) -> None:
        self.server = VirtualServer(rules)

    def respond(
        self, method: str = "POST", path: str = "", body: Json = None, query: str = "", after: float = 0.0
    ) -> ClientResponse:
        sent = raw_request(f"/v1beta/interactions{path}", body, method=method, query=query, now=NOW + after)
        return self.server.respond(sent)

    def create(self, input: Json, **fields: Json) -> Any:
        return self.respond(body={"model": "gemini-2.5-flash", "input": input, **fields}).json

    def stream(self, input: Json, **fields: Json) -> list[Any]:
        body = {"model": "gemini-2.5-flash", "input": input, "stream": True, **fields}
        return read(self.respond(body=body))

    def get(self, id: str, query: str = "", after: float = 0.0) -> Any:
        return self.respond("GET", f"/{id}", query=query, after=after).json


def read(response: ClientResponse) -> list[Any]:
    return [event.json for event in response.events if event.data != "[DONE]"]


def text(interaction: Any) -> str:
    return "".join(
        part["text"] for step in interaction["steps"] for part in step.get("content", ()) if "text" in part
    )


def request_of(input: Json, **fields: Json) -> InteractionRequest:
    body = dumps({"model": "models/m", "input": input, **fields})
    return InteractionRequest(method="POST", path="/v1beta/interactions", headers={}, raw=body)


# --- requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "input",
    [
        "hi",
        {"type": "text", "text": "hi"},
        [{"type": "text", "text": "hi"}],
        [{"type": "user_input", "content": "hi"}],
        [{"type": "user_input", "content": [{"type": "text", "text": "hi"}]}],
        [{"role": "user", "content": "hi"}],
        [{"role": "other", "content": ["hi"]}],
    ],
)
def test_input_is_the_text_of_the_user(input: Json) -> None:
    request = request_of(input)
    assert (request.user, request.model, request.turn) == ("hi", "m", 1)


def test_steps_are_turns() -> None:
    request = request_of(
        [
            {"type": "user_input", "content": [{"type": "image", "data": "x", "mime_type": "image/png"}]},
            {"type": "thought", "summary": [{"type": "text", "text": "Hm"}], "signature": "s"},
            {"type": "function_call", "id": "c", "name": "look", "arguments": {"a": 1}},
            {"type": "function_result", "call_id": "c", "result": [{"type": "text", "text": "cat"}]},
            {"type": "function_result", "call_id": "c", "name": "look", "result": "bad", "is_error": True},
            {"type": "model_output", "content": [{"type": "audio"}]},
            {"type": "google_search_call"},
            {"none": 1},
            7,
        ]
    )
    assert request.has_image
    roles = [message.role for message in request.messages]
    assert roles == ["user", "assistant", "tool", "tool", "assistant"]
    (first,), (second,) = (message.parts for message in request.messages[2:4])
    assert (first.text, first.name, second.text, second.is_error) == ("cat", "look", "bad", True)  # type: ignore[union-attr]


def test_tools_and_their_choice_are_read() -> None:
    choice: Json = {"allowed_tools": {"mode": "any", "tools": ["look"]}}
    request = request_of("hi", tools=LOOK, generation_config={"tool_choice": choice})
    assert [(tool.name, tool.kind) for tool in request.tools] == [
        ("look", "function"),
        ("google_search", "google_search"),
    ]
    assert (request.tool_choice.mode, request.tool_choice.names) == ("named", ("look",))
    assert request_of("hi", generation_config={"tool_choice": "none"}).tool_choice.mode == "none"
    assert request_of("hi", tools=[{"type": "function", "name": "f"}]).tools[0].schema is None


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"response_format": {"type": "text", "mime_type": "application/json", "schema": {}}}, "schema"),
        ({"response_format": [{"type": "text", "mime_type": "application/json"}]}, "json"),
        ({"response_format": {"type": "object"}, "response_mime_type": "application/json"}, "schema"),
        ({"response_mime_type": "application/json"}, "json"),
        ({}, "text"),
    ],
)
def test_response_format_is_read(fields: dict[str, Json], kind: str) -> None:
    assert request_of("hi", **fields).response_format.kind == kind


def test_settings_are_read() -> None:
    config: Json = {"max_output_tokens": 5, "stop_sequences": ["x"]}
    request = request_of("hi", generation_config=config, system_instruction="Be brief.")
    assert (request.output_bounds.max_tokens, request.output_bounds.stop) == (5, ("x",))
    assert (request.system, request.sse, request.conversation_name) == ("Be brief.", False, None)
    assert request_of("hi", model=None, agent="deep-research").model == "deep-research"
    assert request_of(None, model=7).model is None


# --- responses -----------------------------------------------------------------------------------


def test_interaction_has_steps_and_usage() -> None:
    built = Interacting().create("one")
    assert (built["status"], built["object"], built["model"]) == (
        "completed",
        "interaction",
        "gemini-2.5-flash",
    )
    assert built["steps"] == [{"type": "model_output", "content": [{"type": "text", "text": "one! Turn 1."}]}]
    usage = built["usage"]
    assert usage["total_tokens"] == usage["total_input_tokens"] + usage["total_output_tokens"]
    assert built["created"] == built["updated"] == "2023-11-14T22:13:20Z"


def test_agent_is_named_in_place_of_a_model() -> None:
    built = Interacting().create("one", model=None, agent="deep-research")
    assert (built["agent"], "model" in built) == ("deep-research", False)


def test_extras_and_length_are_honoured() -> None:
    interacting = Interacting()
    extra = interacting.create("extra")
    assert (extra["labels"], "candidates" in extra) == ({"a": "b"}, False)
    assert interacting.create("short")["status"] == "incomplete"


def test_stream_has_the_recorded_events() -> None:
    found = Interacting().stream("one")
    names = [event["event_type"] for event in found]
    assert names[:3] == ["interaction.created", "interaction.status_update", "step.start"]
    assert names[-2:] == ["step.stop", "interaction.completed"]
    deltas = [event["delta"]["text"] for event in found if event["event_type"] == "step.delta"]
    assert "".join(deltas) == "one! Turn 1."
    assert found[-1]["interaction"]["usage"]["total_output_tokens"] > 0
    response = Interacting().respond(body={"model": "m", "input": "one", "stream": True})
    assert response.bytes.endswith(b"event: done\ndata: [DONE]\n\n")


@pytest.mark.parametrize("shown", [False, True], ids=["signed", "summarized"])
def test_call_requires_action_and_its_result_continues(shown: bool) -> None:
    interacting = Interacting()
    config: Json = {"thinking_summaries": "auto"} if shown else {}
    built = interacting.create("go", tools=LOOK, generation_config=config)
    thought, call = built["steps"]
    assert built["status"] == "requires_action"
    assert ("summary" in thought, call["arguments"]) == (shown, {"a": 1})
    streamed = interacting.stream("go", tools=LOOK, generation_config=config)
    deltas = [event["delta"]["type"] for event in streamed if event["event_type"] == "step.delta"]
    assert deltas[-2:] == ["thought_signature", "arguments_delta"]
    assert ("thought_summary" in deltas) == shown
    result: Json = [{"type": "function_result", "call_id": call["id"], "name": "look", "result": "a cat"}]
    for id in (built["id"], streamed[-1]["interaction"]["id"]):
        assert text(interacting.create(result, tools=LOOK, previous_interaction_id=id)) == "I see a cat."


def test_image_is_content() -> None:
    interacting = Interacting()
    built = interacting.create("draw")
    (part,) = built["steps"][0]["content"]
    assert (part["type"], part["mime_type"]) == ("image", "image/png")
    streamed = interacting.stream("draw")
    assert [event["delta"]["type"] for event in streamed if "delta" in event] == ["image"]
    stored = interacting.get(streamed[-1]["interaction"]["id"])
    assert stored["steps"][0]["content"][0]["data"] == part["data"]


def test_native_part_is_a_step() -> None:
    parts = (NativePart("gemini", {"type": "google_search_call"}), Refusal(("No.",)), Media("audio/wav", "x"))
    reply = Reply((Choice((*parts, Text(("a",)))),))
    identity = ResponseIdentity(Ids(0, "", 1), 0.0)
    whole = INTERACTIONS.encode_body(reply, request_of("hi"), identity)
    assert [step["type"] for step in interaction_of(whole)["steps"]] == [
        "google_search_call",
        *["model_output"] * 3,
    ]
    streamed = INTERACTIONS.encode_stream(reply, request_of("hi", stream=True), identity)
    assert len(interaction_of(streamed)["steps"]) == 4
    assert b"google_search_call" in b"".join(payload for payload, _ in events(streamed))
    decoded = INTERACTIONS.decode(whole)
    assert decoded is not None
    assert decoded.text == "No.a"
    assert (
        interaction_of(INTERACTIONS.encode_body(Reply(()), request_of("hi"), identity))["status"] == "failed"
    )


# --- stored interactions -------------------------------------------------------------------------


def test_interaction_continues_a_stored_one() -> None:
    interacting = Interacting()
    first = interacting.create("one")
    second = interacting.create("two", previous_interaction_id=first["id"])
    assert text(second) == "two! Turn 2."
    assert second["previous_interaction_id"] == first["id"]
    third = interacting.create("three", previous_interaction_id=second["id"])
    assert text(third) == "three! Turn 3."


def test_stored_interaction_is_returned_and_deleted() -> None:
    interacting = Interacting()
    built = interacting.create("one")
    assert interacting.get(built["id"]) == built
    assert interacting.get(built["id"], "include_input=true")["input"][0]["type"] == "user_input"
    assert interacting.respond("DELETE", f"/{built['id']}").json == {}
    missing = interacting.respond("GET", f"/{built['id']}")
    assert (missing.status, missing.json["error"]["code"]) == (404, "not_found")
    assert interacting.respond("DELETE", f"/{built['id']}").status == 404
    assert "a rule with" in missing.notes


def test_declined_and_unended_interactions_are_not_stored() -> None:
    interacting = Interacting()
    declined = interacting.create("one", store=False)
    assert interacting.respond("GET", f"/{declined['id']}").status == 404
    unended = interacting.stream("unended")
    assert interacting.respond("GET", f"/{unended[0]['interaction']['id']}").status == 404
    assert interacting.respond(body={"model": "m", "input": "odd"}).status == 200


def test_stored_interaction_is_streamed_again() -> None:
    interacting = Interacting()
    built = interacting.create("go", tools=LOOK, generation_config={"thinking_summaries": "auto"})
    found = read(interacting.respond("GET", f"/{built['id']}", query="stream=true"))
    kinds = [event["delta"]["type"] for event in found if "delta" in event]
    assert kinds == ["thought_summary", "thought_signature", "arguments_delta"]
    text_only = interacting.create("one")
    rest = read(interacting.respond("GET", f"/{text_only['id']}", query="stream=true&last_event_id=1"))
    assert rest[0]["delta"] == {"type": "text", "text": "one! Turn 1."}


def test_any_stored_step_is_streamed() -> None:
    body = '{"id": "v1_x", "object": "interaction", "steps": [{"type": "google_search_call"}]}'
    interacting = Interacting(f"validation: lenient\nrules: [{{http: {{body: '{body}'}}}}]")
    interacting.create("one")
    found = read(interacting.respond("GET", "/v1_x", query="stream=true"))
    assert found[1]["step"] == {"type": "google_search_call"}
    assert interacting.get("v1_x")["id"] == "v1_x"


def test_background_interaction_passes_through_its_states() -> None:
    interacting = Interacting()
    built = interacting.create("one", background=True)
    assert (built["status"], "steps" in built) == ("queued", False)
    states = [interacting.get(built["id"], after=at)["status"] for at in (0.0, 0.3, 5.0)]
    assert states == ["queued", "in_progress", "completed"]
    assert text(interacting.get(built["id"], after=5.0)) == "one! Turn 1."


def test_background_stream_is_resumed_behind_an_event() -> None:
    interacting = Interacting()
    found = interacting.stream("one", background=True)
    assert [event["event_id"] for event in found] == [str(place) for place in range(len(found))]
    id = found[0]["interaction"]["id"]
    rest = interacting.respond("GET", f"/{id}", query="stream=true&last_event_id=2", after=9.0)
    assert read(rest) == found[3:]


def test_background_interaction_is_cancelled() -> None:
    interacting = Interacting()
    built = interacting.create("one", background=True)
    assert interacting.respond("POST", f"/{built['id']}/cancel").json["status"] == "cancelled"
    assert interacting.get(built["id"], after=9.0)["status"] == "cancelled"
    ended = interacting.create("one", background=True)
    late = interacting.respond("POST", f"/{ended['id']}/cancel", after=9.0)
    assert late.json["status"] == "completed"
    plain = interacting.create("one")
    assert interacting.respond("POST", f"/{plain['id']}/cancel").status == 400
    assert interacting.respond("POST", "/unknown/cancel").status == 404


def test_background_states_may_count_reads() -> None:
    interacting = Interacting()
    built = interacting.create("polled", background=True)
    assert [interacting.get(built["id"])["status"] for _ in range(3)] == [
        "queued",
        "in_progress",
        "completed",
    ]


def test_counted_interaction_has_ended_behind_its_stream() -> None:
    interacting = Interacting()
    id = interacting.create("polled", background=True)["id"]
    found = read(interacting.respond("GET", f"/{id}", query="stream=true"))
    assert found[-1]["interaction"]["status"] == interacting.get(id)["status"] == "completed"


def test_other_stored_objects_are_no_interactions() -> None:
    interacting = Interacting()
    cache: Json = {"model": "m", "contents": [{"parts": [{"text": "a"}]}]}
    name = interacting.server.respond(raw_request("/v1beta/cachedContents", cache)).json["name"]
    assert interacting.respond("GET", f"/{name.replace('/', '%2F')}").status == 404
    reported = interacting.create("one", cached_content=name)
    assert reported["usage"]["total_input_tokens"] > 4


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "m"}, 400, "invalid_argument"),
        ({"input": "x"}, 400, "invalid_argument"),
        ("{", 400, "invalid_argument"),
        ({"model": "m", "input": "x", "previous_interaction_id": "no"}, 404, "not_found"),
        ({"model": "m", "input": "limit"}, 429, "resource_exhausted"),
    ],
)
def test_error_has_a_message_and_a_code(body: Json, status: int, code: str) -> None:
    refused = Interacting().respond(body=body)
    assert (refused.status, refused.json["error"]["code"]) == (status, code)
    assert refused.json["error"]["message"]


def test_error_inside_a_stream_is_an_event() -> None:
    last = Interacting().stream("broken")[-1]
    assert (last["event_type"], last["error"]["code"]) == ("error", "unavailable")


def test_request_is_built_from_neutral_words() -> None:
    built = INTERACTIONS.build_request(NeutralRequest(user="a", api_key="k"))
    assert built.body == {"model": "gemini-3.5-flash", "input": "a", "stream": False}
    assert "x-goog-api-key" not in INTERACTIONS.build_request(NeutralRequest()).headers


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_each_of_equal_interactions_is_stored(stream: bool) -> None:
    """From the third on, their response is a cached one."""
    server = VirtualServer("rules: [{reply: Hi}]")
    for _ in range(4):
        created = server.respond(
            raw_request("/v1beta/interactions", {"model": "g", "input": "a", "stream": stream})
        )
        id = read(created)[-1]["interaction"]["id"] if stream else created.json["id"]
        stored = server.respond(raw_request(f"/v1beta/interactions/{id}", None, method="GET"))
        assert (stored.status, text(stored.json)) == (200, "Hi")
