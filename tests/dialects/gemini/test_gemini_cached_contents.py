"""Cached contents: their life, the prompts that they begin, and the errors about them."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from tests.language.virtual_server import NOW, ClientResponse, VirtualServer, raw_request

RULES = """
rules:
  - name: pirate
    match: {system: {contains: pirate}, tools: look, user: {contains: hello}}
    reply: Arr.
  - {name: stated, match: {user: stated}, reply: {text: x, usage: {input_tokens: 3, cached_tokens: 2}}}
  - {name: small, match: {user: small}, reply: {text: x, usage: {input_tokens: 3}}}
  - {name: refused, match: {api: cached_contents, method: POST, user: refuse}, error: rate_limit}
  - {name: own, match: {api: cached_contents, method: POST, user: own}, http: {body: "{}"}}
  - {name: any, reply: "{{ turn }}"}
"""
BOOK: Json = [
    {"role": "user", "parts": [{"text": "A long book. " * 300}]},
    {"role": "model", "parts": [{"text": "I have read it."}]},
]
PARTS: dict[str, Json] = {
    "contents": BOOK,
    "systemInstruction": {"parts": [{"text": "You are a pirate."}]},
    "tools": [{"functionDeclarations": [{"name": "look"}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
}
GEMINI, VERTEX = "/v1beta", "/v1beta1/projects/p/locations/global"
bases = pytest.mark.parametrize("base", [GEMINI, VERTEX], ids=["gemini", "vertex"])


class Caches:
    """A server, and the calls of cached contents behind a base."""

    def __init__(self, base: str = GEMINI) -> None:
        self.server, self.base = VirtualServer(RULES), base

    def call(self, method: str, path: str, body: Json = None, after: float = 0.0, query: str = "") -> Any:
        return self.respond(method, path, body, after, query).json

    def respond(
        self, method: str, path: str, body: Json = None, after: float = 0.0, query: str = ""
    ) -> ClientResponse:
        sent = raw_request(
            f"{self.base.removesuffix('/')}/{path}", body, method=method, query=query, now=NOW + after
        )
        return self.server.respond(sent)

    def create(self, after: float = 0.0, **fields: Json) -> Any:
        body = {"model": "models/gemini-2.5-flash", **PARTS, **fields}
        return self.call("POST", "cachedContents", body, after)

    def path(self, cache: Any) -> str:
        return f"cachedContents/{cache['name'].rpartition('/')[2]}"

    def generate(self, name: str, text: str = "hello", after: float = 0.0, **fields: Json) -> ClientResponse:
        publisher = "publishers/google/" if self.base == VERTEX else ""
        model = fields.pop("model", "gemini-2.5-flash")
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}], "cachedContent": name, **fields}
        return self.respond("POST", f"{publisher}models/{model}:generateContent", body, after)


@bases
def test_created_content_has_name_times_and_tokens(base: str) -> None:
    built = Caches(base).create(displayName="book")
    assert built["name"].startswith(f"{base.partition('/v1beta1/')[2]}/cachedContents/".lstrip("/"))
    assert (built["model"], built["displayName"]) == ("models/gemini-2.5-flash", "book")
    assert built["createTime"] == built["updateTime"] == "2023-11-14T22:13:20.000000Z"
    assert built["expireTime"] == "2023-11-14T23:13:20.000000Z"
    assert built["usageMetadata"]["totalTokenCount"] > 100
    assert ("textCount" in built["usageMetadata"]) == (base == VERTEX)


@pytest.mark.parametrize(
    ("times", "expiry"),
    [
        ({"ttl": "90s"}, "22:14:50.000000Z"),
        ({"ttl": "1.5s"}, "22:13:21.500000Z"),
        ({"expireTime": "2023-11-14T22:30:00Z"}, "22:30:00.000000Z"),
        ({"expire_time": "2023-11-14T22:30:00"}, "22:30:00.000000Z"),
        ({"expireTime": "2023-11-14T23:30:00.123456789+01:00"}, "22:30:00.123456Z"),
    ],
)
def test_expiry_is_that_of_the_client(times: dict[str, Json], expiry: str) -> None:
    assert Caches().create(**times)["expireTime"] == f"2023-11-14T{expiry}"


@bases
def test_prompt_begins_with_the_cached_content(base: str) -> None:
    caches = Caches(base)
    built = caches.create()
    response = caches.generate(built["name"])
    usage = response.json["usageMetadata"]
    assert response.rule == "pirate"
    assert usage["cachedContentTokenCount"] == built["usageMetadata"]["totalTokenCount"]
    assert usage["promptTokenCount"] > usage["cachedContentTokenCount"]
    assert usage["cacheTokensDetails"][0]["tokenCount"] == usage["cachedContentTokenCount"]


def turns(response: ClientResponse) -> str:
    text: str = response.json["candidates"][0]["content"]["parts"][0]["text"]
    return text


def test_turns_of_cached_content_count() -> None:
    caches = Caches()
    name = caches.create(tools=None, toolConfig=None)["name"]
    assert [turns(caches.generate(name, "x")) for _ in range(3)] == ["2"] * 3
    plain = caches.generate("", "x")
    assert (turns(plain), "cachedContentTokenCount" in plain.json["usageMetadata"]) == ("1", False)


def test_body_in_snake_case_names_its_cached_content() -> None:
    caches = Caches()
    name = caches.create()["name"]
    body = {"contents": [{"parts": [{"text": "hello"}]}], "cached_content": name}
    assert caches.respond("POST", "models/gemini-2.5-flash:streamGenerateContent", body).rule == "pirate"


def test_stated_usage_wins_over_cached_tokens() -> None:
    caches = Caches()
    name = caches.create()["name"]
    assert caches.generate(name, "stated").json["usageMetadata"]["cachedContentTokenCount"] == 2
    assert caches.generate(name, "small").json["usageMetadata"]["cachedContentTokenCount"] == 3


@bases
def test_list_has_pages_and_no_expired_content(base: str) -> None:
    caches = Caches(base)
    assert caches.call("GET", "cachedContents") == {}
    names = [caches.create()["name"] for _ in range(3)]
    caches.create(ttl="1s")
    first = caches.call("GET", "cachedContents", after=2.0, query="pageSize=2")
    rest = caches.call("GET", "cachedContents", after=2.0, query=f"pageToken={first['nextPageToken']}")
    assert [one["name"] for one in first["cachedContents"] + rest["cachedContents"]] == names
    assert "nextPageToken" not in rest


@bases
def test_update_changes_only_the_times(base: str) -> None:
    caches = Caches(base)
    built = caches.create()
    changed = caches.call("PATCH", caches.path(built), {"ttl": "60s"}, after=10.0, query="updateMask=ttl")
    assert changed == {
        **built,
        "updateTime": "2023-11-14T22:13:30.000000Z",
        "expireTime": "2023-11-14T22:14:30.000000Z",
    }
    assert caches.call("PATCH", caches.path(built), {}, after=11.0)["expireTime"] == changed["expireTime"]
    assert caches.call("GET", caches.path(built), after=12.0)["expireTime"] == changed["expireTime"]
    assert caches.generate(built["name"], after=20.0).rule == "pirate"


MISSING: dict[str, tuple[int, str]] = {
    GEMINI: (403, "CachedContent not found (or permission denied)"),
    VERTEX: (404, "Not found: cached content metadata for {}."),
}


@bases
def test_deleted_content_is_not_found(base: str) -> None:
    caches = Caches(base)
    built = caches.create()
    id = built["name"].rpartition("/")[2]
    assert caches.call("DELETE", caches.path(built)) == {}
    status, message = MISSING[base]
    calls = [caches.respond(method, caches.path(built), {}) for method in ("GET", "PATCH", "DELETE")]
    for response in (*calls, caches.generate(built["name"])):
        assert (response.status, response.message) == (status, message.format(id))
    assert "a rule with" in calls[0].notes


@bases
def test_expired_content_is_refused(base: str) -> None:
    caches = Caches(base)
    built = caches.create(ttl="5s")
    assert caches.generate(built["name"], after=4.0).rule == "pirate"
    expected = MISSING[base]
    if base == VERTEX:
        expected = (400, f"Cache content {built['name'].rpartition('/')[2]} is expired.")
    for response in (
        caches.respond("GET", caches.path(built), after=5.0),
        caches.generate(built["name"], after=5.0),
    ):
        assert (response.status, response.message) == expected


def test_cached_content_belongs_to_its_session() -> None:
    caches = Caches()
    built = caches.create()
    caches.base = f"/s/other{GEMINI}"
    assert caches.respond("GET", caches.path(built)).status == 403


@bases
@pytest.mark.parametrize(
    "fields",
    [{name: PARTS[name]} for name in ("systemInstruction", "tools", "toolConfig")],
    ids=["system", "tools", "config"],
)
def test_parts_beside_cached_content_are_refused(base: str, fields: dict[str, Json]) -> None:
    caches = Caches(base)
    refused = caches.generate(caches.create()["name"], **fields)
    assert refused.status == 400
    assert "system" in refused.message
    assert "tools" in refused.message


def test_other_model_than_of_the_cached_content_is_refused() -> None:
    caches = Caches()
    refused = caches.generate(caches.create()["name"], model="gemini-2.5-pro")
    assert refused.status == 400
    assert refused.message == (
        "Model used by GenerateContent request (models/gemini-2.5-pro) and CachedContent "
        "(models/gemini-2.5-flash) has to be the same."
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ttl": "5"}, "duration must end with 's'"),
        ({"expireTime": "soon"}, "Illegal timestamp format"),
        ({"expireTime": "9999-12-31T23:59:59-23:59"}, "Illegal timestamp format"),
        ({"ttl": "-5s"}, "must be in the future"),
        ({"ttl": "-999999999999s"}, "must be in the future"),
        ({"expireTime": "2023-11-14T22:13:19Z"}, "must be in the future"),
        ({"contents": 3}, "Invalid value at 'cached_content.contents[0]'"),
        ({"model": None}, "model is not specified"),
    ],
)
def test_invalid_creation_names_its_problem(fields: dict[str, Json], message: str) -> None:
    refused = Caches().create(**fields)
    assert refused["error"]["code"] == 400
    assert message in refused["error"]["message"]


def test_change_to_a_past_time_is_refused() -> None:
    caches = Caches()
    built = caches.create()
    for times in ({"ttl": "-999999999999s"}, {"expireTime": "2023-11-14T22:13:29Z"}):
        refused = caches.respond("PATCH", caches.path(built), times, after=10.0)
        assert (refused.status, refused.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert caches.call("GET", caches.path(built)) == built


def test_unchecked_past_time_has_expired() -> None:
    server = VirtualServer("validation: off\nrules: [{reply: Hi.}]")
    built = server.respond(raw_request("/v1beta/cachedContents", {"ttl": "-999999999999s"}))
    assert built.status == 200
    path = f"/v1beta/{built.json['name']}"
    assert server.respond(raw_request(path, method="GET")).status == 403


@bases
@pytest.mark.parametrize(
    ("model", "minimum", "of_vertex"),
    [
        ("gemini-2.0-flash", 4096, None),
        ("gemini-2.5-flash-lite", 2048, 1024),
        ("gemini-2.5-pro", 2048, 1024),
        ("gemini-2.5-flash", 1024, 1024),
        ("gemini-3.6-flash", 1024, 4096),
        ("unknown", None, None),
    ],
)
def test_contents_below_the_minimum_of_the_model_are_refused(
    base: str, model: str, minimum: int | None, of_vertex: int | None
) -> None:
    caches, least = Caches(base), of_vertex if base == VERTEX else minimum
    parts: dict[str, Json] = {
        "model": f"models/{model}",
        "contents": [{"parts": [{"text": "A book. " * 150}]}],
    }
    response = caches.respond("POST", "cachedContents", parts)
    if least is None:
        assert response.status == 200
        return
    other = caches.call("POST", "cachedContents", {**parts, "model": "models/m"})
    found = other["usageMetadata"]["totalTokenCount"]
    message = f"Cached content is too small. total_token_count={found}, min_total_token_count={least}"
    if base == VERTEX:
        message = f"The cached content is of {found} tokens. "
        message += f"The minimum token count to start explicit caching is {least}."
    assert (response.status, response.message) == (400, message)
    parts["contents"] = [{"parts": [{"text": "A book. " * 4096}]}]
    assert caches.respond("POST", "cachedContents", parts).status == 200


def test_files_are_as_large_as_any_minimum() -> None:
    file: Json = {"parts": [{"fileData": {"fileUri": "https://x/files/a", "mimeType": "video/mp4"}}]}
    assert "name" in Caches().create(contents=[file])


def test_times_of_other_types_count_as_absent_without_checks() -> None:
    server = VirtualServer("validation: off\nrules: [{reply: x}]")
    built = server.respond(raw_request("/v1beta/cachedContents", {"ttl": 5, "expireTime": 6})).json
    assert (built["model"], built["expireTime"]) == (
        "models/gemini-3.5-flash",
        "2023-11-14T23:13:20.000000Z",
    )


def test_lenient_validation_requires_a_readable_body() -> None:
    server = VirtualServer("validation: lenient\nrules: [{reply: x}]")
    built = server.respond(raw_request("/v1beta/cachedContents", {"ttl": 5}))
    assert built.status == 200
    path = f"/v1beta/{built.json['name']}"
    assert server.respond(raw_request(path, method="GET")).json["name"] == built.json["name"]
    assert server.respond(raw_request("/v1beta/cachedContents", b"{")).status == 400


def test_rule_responds_in_place_of_the_call() -> None:
    caches = Caches()
    for text, status in (("refuse", 429), ("own", 200)):
        contents: Json = [{"parts": [{"text": text}]}]
        assert caches.respond("POST", "cachedContents", {"model": "m", "contents": contents}).status == status
    assert caches.call("GET", "cachedContents") == {}


def test_unreadable_body_is_refused() -> None:
    sent = raw_request("/v1beta/cachedContents", "{")
    assert VirtualServer(RULES).respond(sent).status == 400
    refused = VirtualServer(RULES).respond(raw_request("/v1beta/models/m:generateContent", "{"))
    assert refused.status == 400


SYSTEM: Json = {"parts": {"text": "s"}}


def test_rule_may_make_the_cached_content_itself() -> None:
    built = '{"name": "cachedContents/x", "model": "m", "expireTime": "2024-01-01T00:00:00"}'
    server = VirtualServer(
        f"""
rules:
  - {{match: {{api: cached_contents, user: mine}}, http: {{body: '{built}'}}}}
  - {{match: {{api: cached_contents, user: no JSON}}, http: {{body: '{{'}}}}
  - {{match: {{system: s}}, reply: hi}}
"""
    )
    for text in ("mine", "no JSON"):
        creation = {"model": "m", "contents": {"parts": {"text": text}}, "systemInstruction": SYSTEM}
        assert server.respond(raw_request("/v1beta/cachedContents", creation)).status == 200
    body = {"contents": [{"parts": [{"text": "a"}]}], "cachedContent": "cachedContents/x"}
    usage = server.respond(raw_request("/v1beta/models/m:generateContent", body)).json["usageMetadata"]
    assert "cachedContentTokenCount" not in usage
