"""Cached contents: POST, GET, PATCH and DELETE …/cachedContents, of Gemini's API and of Vertex AI.

The session's store holds a cached content under its name, until its expiry. A generateContent request that names it
is read with its contents before the request's own. Sources: google-genai's `Caches`, the API's reference, and
requests to the live API of September 2026 that a public repository recorded (names, times, the default of one hour,
403 for an unknown name). Vertex AI's error and the messages of refused times are inferred. The APIs stated the
minimums of tokens to public projects in 2025 and 2026. Those of Google's page are for implicit caches. Sources:
https://discuss.ai.google.dev/t/178942, https://github.com/BerriAI/litellm/issues/17696 and pull/37516.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, read_object, text_of
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.cached_content import (
    COLLECTION,
    MERGED,
    cached_object,
    find_cached,
    has_expired,
    missing_cache,
)
from mockllm.dialects.gemini.count_tokens import prompt_characters
from mockllm.dialects.gemini.generate_check import CACHED, check_readable, first_problem
from mockllm.dialects.gemini.generate_request import DEFAULT_MODEL, GenerateRequest, list_of
from mockllm.dialects.gemini.stored_call import GeminiStoredCall, json_plan, page
from mockllm.dialects.gemini.validators import GeminiRequestProblem, check_shape

DEFAULT_TTL: Final = 3600.0
"""Seconds until a cached content expires for which the client states no time."""
MAX_TTL: Final = 10 * 365 * 86_400.0
MAX_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_DURATION: Final = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?s")
_LETTERS: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))
DIGITS: Final = bytes(b"123456789"[byte % 9] for byte in range(256))


_MINIMUMS: Final = (
    ("gemini-2.0*", 4096),
    ("gemini-2.5-flash-lite*", 2048),
    ("gemini-2.5-pro*", 2048),
    ("gemini-2.5*", 1024),
    ("gemini-3*", 1024),
)
_VERTEX_MINIMUMS: Final = (("gemini-2.5*", 1024), ("gemini-3*", 4096))
"""The least tokens of a cached content, by model. Where no value was stated, the least of another model is used."""


class CachedContentRequest(GenerateRequest):
    """A request to these calls. The body of one that creates is read as that of generateContent."""

    api = "cached_contents"
    generates = False

    @cached_property
    def stream(self) -> bool:
        return False

    @cached_property
    def cached(self) -> StoredObject | None:
        return None

    @cached_property
    def model(self) -> str | None:
        return (text_of(self.message.get("model")) or "").rpartition("/")[2] or None

    @cached_property
    def name(self) -> str:
        """The resource that the path names, or the collection."""
        return self.path.removeprefix("/").partition("/")[2]

    @cached_property
    def stored(self) -> StoredObject | None:
        """The cached content that the path names, which may have expired."""
        return find_cached(self.object_lookup, self.name)


class CachedContentCall(GeminiStoredCall):
    """The base of these calls."""

    api: str = "cached_contents"
    request_class: type[Request] = CachedContentRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, CachedContentRequest)
        shown = self.shown(request, identity)
        if isinstance(shown, Failure):
            return shown
        return json_plan(shown)

    def shown(self, request: CachedContentRequest, identity: ResponseIdentity) -> Json | Failure:
        """Return the body of the response."""
        stored = request.stored
        if stored is None or has_expired(stored, request.now):
            return missing_cache(request.name, vertex=request.vertex, expired=stored is not None)
        return cached_object(stored)


class CachedContentCallWithBody(CachedContentCall):
    """The base of the calls with a body."""

    check_readable = staticmethod(check_readable)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, CachedContentRequest)
        return check_readable(request) or first_problem(lambda: self.check_body(request))

    def check_body(self, request: CachedContentRequest) -> None:
        """Raise the problem of a readable body."""
        check_shape("cached_content", request.message, CACHED)
        ttl, expires = request.message.get("ttl"), request.message.get("expireTime")
        if ttl is not None and _seconds(ttl) is None:
            raise _wrong_time("ttl", "Duration", "Illegal duration format; duration must end with 's'")
        if expires is not None and _timestamp(expires) is None:
            raise _wrong_time("expire_time", "Timestamp", "Illegal timestamp format")
        expiry = _expiry(request)
        if expiry is not None and expiry < request.now:
            raise GeminiRequestProblem("The expiration time of the cached content must be in the future.")

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, CachedContentRequest)
        last = plan.steps[-1] if plan.steps else None
        if plan.head.status != 200 or not isinstance(last, EventStep):
            return None
        shown = read_object(last.payload)
        name = shown.get("name")
        if type(name) is not str or _timestamp(shown.get("expireTime")) is None:  # a rule's own body
            return None
        before = request.stored
        cached = {key: request.message[key] for key in ("contents", *MERGED) if key in request.message}
        body = dumps(cached) if before is None else before.request_body
        return StorageUpdate((name,), StoredObject(name, None, body, dumps(shown)))


class CreateCachedContent(CachedContentCallWithBody):
    """POST …/cachedContents."""

    def check_body(self, request: CachedContentRequest) -> None:
        super().check_body(request)
        if request.model is None:
            raise GeminiRequestProblem("* CreateCachedContentRequest.model: model is not specified\n")
        minimums = _VERTEX_MINIMUMS if request.vertex else _MINIMUMS
        least = next((least for glob, least in minimums if fnmatchcase(request.model, glob)), 0)
        if request.input_tokens < least and not _has_files(request):
            raise GeminiRequestProblem(_too_small(request, least))

    def shown(self, request: CachedContentRequest, identity: ResponseIdentity) -> Json | Failure:
        message, created, expiry = request.message, format_time(request.now), _expiry(request)
        model, title = message.get("model"), message.get("displayName")
        count: dict[str, Json] = {"totalTokenCount": request.input_tokens}
        id = identity.ids.make("", 40, "cache", alphabet=_LETTERS)
        if request.vertex:
            id = identity.ids.make("", 19, "cache", alphabet=DIGITS)
            count["textCount"] = prompt_characters(request)
        return {
            "name": f"{request.name}/{id}",
            "model": model if type(model) is str else f"models/{DEFAULT_MODEL}",
            "createTime": created,
            "updateTime": created,
            "expireTime": format_time(request.now + DEFAULT_TTL if expiry is None else expiry),
            "displayName": title if type(title) is str else "",
            "usageMetadata": count,
        }


class ListCachedContents(CachedContentCall):
    """GET …/cachedContents."""

    def shown(self, request: CachedContentRequest, identity: ResponseIdentity) -> Json | Failure:
        stored = request.object_lookup.all_stored(f"{request.name}/")
        alive = [one for one in stored if not has_expired(one, request.now)]
        return page(COLLECTION, alive, request, cached_object)


class GetCachedContent(CachedContentCall):
    """GET …/cachedContents/{id}."""


class UpdateCachedContent(CachedContentCallWithBody):
    """PATCH …/cachedContents/{id}: only the time of expiry changes."""

    def shown(self, request: CachedContentRequest, identity: ResponseIdentity) -> Json | Failure:
        shown = super().shown(request, identity)
        if isinstance(shown, Failure):
            return shown
        expiry = _expiry(request)
        times = {} if expiry is None else {"expireTime": format_time(expiry)}
        return {**object_of(shown), "updateTime": format_time(request.now), **times}


class DeleteCachedContent(CachedContentCall):
    """DELETE …/cachedContents/{id}."""

    def shown(self, request: CachedContentRequest, identity: ResponseIdentity) -> Json | Failure:
        shown = super().shown(request, identity)
        return shown if isinstance(shown, Failure) else {}

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, CachedContentRequest)
        return StorageUpdate(forgotten=(request.name,)) if plan.head.status == 200 else None


def format_time(second: float) -> str:
    """Return a time as the API writes it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _has_files(request: CachedContentRequest) -> bool:
    """Return whether the contents have media, whose tokens are estimates."""
    contents = [object_of(entry) for entry in list_of(request.message.get("contents"))]
    parts = [object_of(part) for content in contents for part in list_of(content.get("parts"))]
    return any(part.get(name) is not None for part in parts for name in ("fileData", "inlineData"))


def _too_small(request: CachedContentRequest, least: int) -> str:
    tokens = request.input_tokens
    if request.vertex:
        minimum = f"The minimum token count to start explicit caching is {least}."
        return f"The cached content is of {tokens} tokens. {minimum}"
    return f"Cached content is too small. total_token_count={tokens}, min_total_token_count={least}"


def _expiry(request: CachedContentRequest) -> float | None:
    """Return the stated time of expiry in seconds since the epoch; None where the body states no valid one."""
    seconds = _seconds(request.message.get("ttl"))
    if seconds is not None:
        return request.now + seconds
    return _timestamp(request.message.get("expireTime"))


def _seconds(duration: Json) -> float | None:
    if type(duration) is not str or _DURATION.fullmatch(duration) is None:
        return None
    return max(-MAX_TTL, min(float(duration[:-1]), MAX_TTL))


def _timestamp(text: Json) -> float | None:
    """Parse a time; one without an offset is UTC."""
    if type(text) is not str:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    second = (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()
    return second if 0 <= second <= MAX_TIME else None


def _wrong_time(field: str, kind: str, problem: str) -> GeminiRequestProblem:
    path = f"cached_content.{field}"
    return GeminiRequestProblem(
        f"Invalid value at '{path}' (type.googleapis.com/google.protobuf.{kind}), {problem}", path
    )
