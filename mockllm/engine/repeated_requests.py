"""Small requests that come again with the same head and body, as a load test sends them.

What follows from the head and the body alone is computed once. These are the parsed body with its values, the match
mask, the result of the check, and the cache key. Time, client and stored objects differ in each request. So
nothing that depends on one of them is stored here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Final

from msgspec import Struct

from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.core.request.divided_bodies import MIN_DIVIDED_BYTES
from mockllm.core.request.request import PER_REQUEST_ATTRIBUTES, Request
from mockllm.core.request.stored_objects import ObjectLookup, StoredObject
from mockllm.engine.bounded_cache import BoundedCache
from mockllm.engine.response_cache import CacheableResponse

MAX_BODY_BYTES: Final = MIN_DIVIDED_BYTES - 1
"""Bytes of a body. A longer one is found by its turns (`divided_bodies.py`)."""
MAX_SEEN: Final = 4_096
"""The most hashes of head and body that are remembered; a full set is cleared. If clients send more different
requests one after another, none is recognized, and nothing is computed in vain."""
SKIPPED: Final = 7
"""After `MAX_SEEN` new requests in a row, so many requests follow each lookup without a lookup. To look up a request
of 1 KB takes half a microsecond."""
MAX_BYTES: Final = 32 * 1024 * 1024
"""Bytes of all repeated requests, about."""

RepeatedRequestKey = tuple[Hashable, bytes]
"""An object for the requests with the same head, and the body."""


_TRACKED: Final = ("client_address", "now", "monotonic")
"""The attributes that differ in each request. A tracking request records whether they are read."""


class TrackingLookup(ObjectLookup):
    """The lookup of a tracking request. It finds nothing. `was_used`: whether anything was looked up, or the client
    or the time was read. A result that used them may differ in the next request."""

    __slots__ = ("was_used",)

    def __init__(self) -> None:
        self.was_used = False

    def stored(self, name: str) -> StoredObject | None:
        self.was_used = True
        return None

    def all_stored(self, prefix: str) -> Sequence[StoredObject]:
        self.was_used = True
        return ()

    def tool_by_call_id(self, id: str) -> str | None:
        self.was_used = True
        return None


@cache
def tracking_class(request_class: type[Request]) -> type[Request]:
    """Return the class of tracking requests. Their lookup records whether their client or time was read."""

    def tracked(name: str) -> property:
        def read(request: Request) -> object:
            lookup = request.object_lookup
            assert isinstance(lookup, TrackingLookup), "the lookup of a tracking request"
            lookup.was_used = True
            return vars(request)[name]

        return property(read)

    return type(request_class.__name__, (request_class,), {name: tracked(name) for name in _TRACKED})


_ALWAYS_READ: Final = ("depth_bound", "input_tokens", "model", "undocumented_fields")
"""The values that most requests need. Any other one is stored only if the mask or `FastPath.precompute` has
read it."""


class RepeatedRequest(Struct):
    """What follows from the head and the body of a request, for the engine with this `rule_index`. After a reload,
    that may be the index of an earlier engine. It is in one of three states:

    - not yet computed: `compute_from` is set
    - computed: `rule_index` is set
    - not computable, since it depends on more than head and body: both are None

    The attributes of a request refer to its RepeatedRequest, which does not refer to them: no garbage collector is
    needed to free both.
    """

    compute_from: tuple[RepeatedRequestKey, Mapping[str, object]] | None
    """The key of the request, and the attributes that all requests with the head have. None as soon as `add` has
    tried to compute what follows from them."""
    rule_index: RuleIndex | None = None
    """None before it is computed, and where anything depends on client, time or stored objects."""
    match_mask: int = 0
    passes_validation: bool = False
    """Whether the dialect's check is known to accept the request; False also where it did not run."""
    accepting_fast_path: object = None
    """The fast path that is known to accept the request (`FastPath.accepts`); None where none is known to."""
    cacheable_response: CacheableResponse | None = None
    """The first response of the fast path, to which `cache_key` belongs; None where the key was not computed."""
    cache_key: Hashable = None
    """The key in the response cache."""


class RepeatedRequests:
    """The repeated requests of one engine."""

    def __init__(self) -> None:
        self.attributes_by_key: BoundedCache[dict[str, object]] = BoundedCache(MAX_BYTES)
        """The attributes with which a repeated request begins. They include the `RepeatedRequest`."""
        self.to_skip = 0
        """How many of the next requests are not looked up."""
        self.new_in_a_row = 0
        """The number of requests that were looked up and had not come before, since the last one that had."""
        self._seen: set[int] = set()

    def has_come_before(self, key: RepeatedRequestKey) -> bool:
        """Return whether a request with this key came before, and remember that it came."""
        seen, hashed = self._seen, hash(key)
        if hashed in seen:
            self.new_in_a_row = 0
            return True
        self.new_in_a_row += 1
        if self.new_in_a_row > MAX_SEEN:
            self.to_skip = SKIPPED
        if len(seen) >= MAX_SEEN:
            seen.clear()
        seen.add(hashed)
        return False

    def add(
        self,
        repeated: RepeatedRequest,
        request: Request,
        index: RuleIndex,
        precompute: Callable[[Request, RepeatedRequest], None],
    ) -> None:
        """Compute what follows from the head and the body of a request, and store it. If any of that depends on
        client, time or stored objects, only the attributes of the head remain. `precompute` runs the check and
        makes the cache key."""
        assert repeated.compute_from is not None, "it is computed once"
        (key, of_head), repeated.compute_from = repeated.compute_from, None
        attributes = {**of_head, "repeated": repeated}
        lookup = TrackingLookup()
        kind = tracking_class(type(request))  # type: ignore[arg-type]  # mypy takes no class for hashable
        tracking = kind.__new__(kind)
        vars(tracking).update(attributes, raw=key[1], object_lookup=lookup)
        vars(tracking).update({name: getattr(request, name) for name in _TRACKED})
        repeated.match_mask = index.match_mask(tracking)
        precompute(tracking, repeated)
        for name in _ALWAYS_READ:
            getattr(tracking, name)
        if lookup.was_used:
            repeated.passes_validation = False
            repeated.accepting_fast_path = repeated.cacheable_response = None
        else:
            repeated.rule_index = index
            attributes = {**vars(tracking), **PER_REQUEST_ATTRIBUTES}  # `Request.of` sets the latter
        self.attributes_by_key.put(key, attributes, _size(request.raw))


def _size(body: bytes) -> int:
    """Return about how many bytes a request with this body takes: attributes, texts, objects, lists and members."""
    brackets, members = body.count(b"{") + body.count(b"["), body.count(b",") + body.count(b":")
    return 2_000 + 3 * len(body) + 100 * brackets + 40 * members
