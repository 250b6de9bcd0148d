"""The arguments of the Lua script `decision.lua`: the candidates of requests with all facts that their decisions
need.

Keys have no text of a request: sessions and scopes are hashes in them. Draws are hashes that only the process
computes, and each depends on the number of tries, which only the store knows. So the process sends the draws of the
tries that it expects. Where these are wrong, the script returns the real ones, and the process sends others.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from math import inf
from typing import Final

from msgspec import Raw
from msgspec.msgpack import Encoder

from mockllm.core.limits.limit_data import METERED, NO_COST, Limit
from mockllm.core.limits.meters import MAX_EXACT_ENTRIES, MICROS_PER_SECOND
from mockllm.core.randomness import Randomness
from mockllm.core.selection.decision import Candidate, DecisionInputs
from mockllm.core.selection.guards import Guard, StateValue

SLOT_LIFE: Final = 30.0
"""Seconds after which the slot of a response is free whose process does not renew it."""
REMEMBERED: Final = 60.0
"""Seconds for which the store holds a decision at least, so that a repeated request does not count twice."""
SCOPE_TTL: Final = 7 * 24 * 3600
"""Seconds for which the counts of an unused scope last outside of sessions. Clients choose scopes."""
FEW_DRAWS: Final = 8
"""The most tries for which draws are sent, from the expected one on."""
MANY_DRAWS: Final = 64
"""The same after another number of tries was found."""
MAX_TOKENS: Final = 1 << 53
"""The most tokens of a request that are counted: Lua's numbers are exact up to here. Clients choose `max_tokens`."""
MAX_CACHED: Final = 20_000
_encode: Final = Encoder().encode
_METERS: Final = {"fixed-window": 1, "sliding-window": 2, "token-bucket": 3, "leaky-bucket": 4}


class CandidateEncoder:
    """Encodes the unchanging parts of candidates, each of them once."""

    def __init__(self) -> None:
        self._encoded: dict[tuple[str, bool], Raw] = {}
        """By the key, and by whether the load counts the request."""

    def encode(self, candidate: Candidate) -> Raw:
        known_by = (candidate.key, candidate.load is not None)
        encoded = self._encoded.get(known_by)
        if encoded is None:
            if len(self._encoded) >= MAX_CACHED:
                self._encoded.clear()
            encoded = self._encoded[known_by] = Raw(_encode(_unchanging(candidate)))
        return encoded


class ScriptArguments:
    """The arguments of one call of the script, which decides several requests of one session in their order. `ttl`:
    seconds for which an unused session lasts, 0 for ever. The results are stored under `id`, `remembered` seconds
    long: a request that is repeated with the same `id` and index counts once."""

    __slots__ = ("_encoder", "_remembered", "_requests", "_scopes", "_ttl", "candidates", "id", "session")

    def __init__(
        self,
        encoder: CandidateEncoder,
        session: str,
        id: str,
        ttl: int = 0,
        remembered: float = REMEMBERED,
    ) -> None:
        self._encoder = encoder
        self.session = session
        self.id = id
        self._ttl = ttl
        self._remembered = remembered
        self._scopes: dict[str, int] = {"": 1}
        self._requests: list[list[object]] = []
        self.candidates = 0
        """The number of candidates of all requests."""

    def add(
        self,
        inputs: DecisionInputs,
        slot_id: str,
        tries: Sequence[int],
        *,
        draws: int = FEW_DRAWS,
        index_in_call: int | None = None,
    ) -> int:
        """Add a request, and return its index in the call, from 1. `slot_id` names its slots in limits and loads.
        `tries` are the expected tries of the modifiers, then of the rules. `index_in_call` is that of a repeated
        request."""
        modifiers = [
            self._encoded_candidate(candidate, inputs.seed, expected, draws)
            for candidate, expected in zip(inputs.modifiers, tries, strict=False)
        ]
        rules = []
        for candidate, expected in zip(inputs.rules, tries[len(modifiers) :], strict=True):
            row = self._encoded_candidate(candidate, inputs.seed, expected, draws)
            row.append(inputs.fails_validation(candidate))
            rules.append(row)
        unmatched = not inputs.rules or inputs.rules[-1].guard is not None
        invalid = unmatched and inputs.fails_validation(None)
        if index_in_call is None:
            index_in_call = len(self._requests) + 1
        row = [index_in_call, invalid, _cost(inputs), slot_id, modifiers, rules, inputs.time_scale]
        self._requests.append(row)
        self.candidates += len(modifiers) + len(rules)
        return index_in_call

    def __len__(self) -> int:
        return len(self._requests)

    @property
    def keys(self) -> Sequence[bytes]:
        """The keys of the scopes, and that of the results."""
        base = session_base(self.session)
        return [*(scope_key(base, scope) for scope in self._scopes), b"%bd:%b" % (base, self.id.encode())]

    def payload(self, now: int = 0) -> bytes:
        """Return the requests. `now` is a time in microseconds in place of the store's clock, for tests."""
        call = [
            now,
            round(SLOT_LIFE * MICROS_PER_SECOND),
            [self._scope_ttl(scope) for scope in self._scopes],
            round(self._remembered * 1000),
            bool(self.session),
            self._requests,
        ]
        return _encode(call)

    def _scope_ttl(self, scope: str) -> int:
        if self.session:
            return self._ttl
        return SCOPE_TTL if scope else 0

    def _encoded_candidate(self, candidate: Candidate, seed: int, tries: int, draws: int) -> list[object]:
        scopes, guard, limit = self._scopes, candidate.guard, candidate.limit
        return [
            scopes.setdefault(candidate.scope, len(scopes) + 1),
            self._encoder.encode(candidate),
            _draws(candidate, seed, "chance", guard.chance, tries, draws, lost=True)
            if guard is not None and guard.chance is not None
            else False,
            _draws(candidate, seed, "limit", limit.probability, tries, draws, lost=False)
            if limit is not None and limit.strategy == "random"
            else False,
        ]


def session_base(session: str) -> bytes:
    """Return the beginning of all keys of a session. Its hash tag puts them on one node of a cluster."""
    return f"mockllm:{{{hashed_name(session) if session else 'shared'}}}:".encode()


def scope_key(base: bytes, scope: str) -> bytes:
    return base + (hashed_name(scope) if scope else "global").encode()


def hashed_name(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def count_field_prefix(candidate: Candidate) -> str:
    """Return the beginning of the names that a candidate's counts have in the hash of a scope."""
    return hashed_name(candidate.key)


def canonical(value: StateValue) -> str:
    """Return a text that is the same for equal values of a state; empty for null."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, bool):
        return f"b{int(value)}"
    if isinstance(value, float) and not value.is_integer():
        return f"n{value!r}"
    return f"n{int(value)}"


def state_value(text: str) -> StateValue:
    """Return the value of a canonical text."""
    kind, value = text[:1], text[1:]
    if kind == "s":
        return value
    if kind == "b":
        return value == "1"
    if kind == "n":
        with suppress(ValueError):  # another program has written it
            return int(value) if value.lstrip("-").isdecimal() else float(value)
        return value
    return None


def _unchanging(candidate: Candidate) -> list[object]:
    sets, load = candidate.sets, candidate.load
    return [
        count_field_prefix(candidate),
        False if candidate.guard is None else _guard(candidate.guard),
        candidate.has_error,
        [[name, canonical(value)] for name, value in sets.items()] if sets else False,
        -1 if candidate.max_responses is None else candidate.max_responses,
        False if candidate.limit is None else _limit(candidate.limit),
        False if load is None else [-1 if load.max_inflight is None else load.max_inflight],
    ]


def _guard(guard: Guard) -> list[object]:
    during, requires = guard.during, guard.requires
    return [
        -1 if guard.times is None else guard.times,
        guard.skip,
        guard.every,
        False
        if during is None
        else [
            during.start * MICROS_PER_SECOND - 0.5,
            -1 if during.end == inf else during.end * MICROS_PER_SECOND - 0.5,
            0 if during.every is None else max(1, round(during.every * MICROS_PER_SECOND)),
        ],
        [[name, [canonical(value) for value in _values(wanted)]] for name, wanted in requires.items()]
        if requires
        else False,
        guard.chance is not None,
    ]


def _values(wanted: StateValue | Sequence[StateValue]) -> Sequence[StateValue]:
    return wanted if isinstance(wanted, (list, tuple)) else (wanted,)


def _limit(limit: Limit) -> list[object]:
    concurrent = limit.concurrent if limit.strategy in METERED else None
    return [
        limit.strategy,
        -1 if concurrent is None else concurrent,
        limit.requests or 0,
        _meter_of(limit, limit.tokens, None),
        _meter_of(limit, limit.requests, limit.burst if limit.strategy == "token-bucket" else limit.queue),
        _meter_of(limit, limit.input_tokens, None),
        _meter_of(limit, limit.output_tokens, None),
    ]


def _meter_of(limit: Limit, most: int | None, size: int | None) -> list[object] | bool:
    """Return a meter as `mockllm.core.limits.rate_limiter` makes it. `size` is a bucket's, or a leaky one's queue."""
    if most is None or limit.strategy not in METERED:
        return False
    window = max(1, round(limit.window * MICROS_PER_SECOND))
    if size is None:
        size = most
    elif limit.strategy == "leaky-bucket":
        size += 1
    cell = max(1, window // MAX_EXACT_ENTRIES + 1)
    return [_METERS[limit.strategy], most, window, size if most else 0, cell, MAX_EXACT_ENTRIES]


def _draws(
    candidate: Candidate, seed: int, draw_key: str, bound: float, tries: int, count: int, *, lost: bool
) -> list[object]:
    """Return for some tries whether a draw is at least `bound` (`lost`), or below it."""
    drawn = [
        Randomness(seed, candidate.random_key, candidate.scope, tries + number).uniform(draw_key)
        for number in range(count)
    ]
    return [tries, [(value >= bound) is lost for value in drawn]]


def _cost(inputs: DecisionInputs) -> list[int]:
    """Return the tokens that a request takes of its limits, and those of its output; zeros if none of them counts
    tokens, which costs nothing."""
    limits = [each.limit for each in inputs.modifiers if each.limit is not None]
    counted = bool(limits) and any(limit.counts_tokens for limit in limits)
    cost = inputs.compute_cost() if counted else NO_COST
    input_tokens = min(cost.tokens - cost.output_tokens, MAX_TOKENS)
    tokens = min(cost.tokens, MAX_TOKENS)
    return [tokens, tokens - input_tokens]
