"""The prefixes of a prompt by their hashes. No text of a prompt is stored.

Each prefix has the hash of the prefix before it and of the last segment, so that equal hashes mean equal beginnings.
A long block is divided into segments at fixed places. So two prompts with the same beginning have the same prefixes
up to the segment that differs. The part that earlier requests of a conversation had is not hashed again
(`core.request.divided_bodies`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.prompt_cache.form import PromptBlock, PromptForm
from mockllm.core.request.request import Request
from mockllm.core.request.typed_memo import MemoKey

SEGMENT_SIZES: Final = ((262_144, 65_536), (32_768, 4096), (0, 512))
"""From which byte of a block on segments have which size, the last first."""
DIGEST_SIZE: Final = 16


class PrefixEnd(NamedTuple):
    """The end of a prefix: its hash, and its tokens. `ends_block`: it is the end of a block. `lifetime`: see
    PromptBlock."""

    digest: bytes
    tokens: int
    ends_block: bool
    lifetime: float | None = None


class PrefixChain(Struct, eq=False):
    """The prefixes of consecutive blocks, and the number of turns that they are from."""

    digest: bytes = b""
    tokens: int = 0
    turns: int = 0
    ends: list[PrefixEnd] = field(default_factory=list)

    def add(self, block: PromptBlock) -> None:
        """Add the prefixes that end in this block."""
        content, size, digest = memoryview(block.content), len(block.content), self.digest
        for start, end in _segments(size):
            hashed = blake2b(digest, digest_size=DIGEST_SIZE)
            hashed.update(content[start:end])
            digest = hashed.digest()
            if end < size:
                self.ends.append(
                    PrefixEnd(digest, self.tokens + block.tokens * end // size, ends_block=False)
                )
        self.digest = digest
        self.tokens += block.tokens
        self.ends.append(PrefixEnd(digest, self.tokens, ends_block=True, lifetime=block.lifetime))


_MEMO_KEYS: Final = defaultdict[PromptForm, MemoKey[PrefixChain]](MemoKey)
"""The key of the prefixes that each form reads."""


class PromptPrefixes(Struct, frozen=True):
    """All prefixes of a prompt, the shortest first. The tokens of the turns do not include those before them;
    `options` are the fields that the cache of the turns depends on."""

    before_turns: PrefixChain
    turns: PrefixChain
    options: bytes = b""
    lifetime_of_final_breakpoint: float | None = None
    """The lifetime of a breakpoint at the end."""

    def ends_in_scope(self, cache_scope: bytes) -> Iterator[PrefixEnd]:
        """Yield all ends with keys that hold in a scope, and with the tokens of the whole prefix."""
        before_turns = self.before_turns
        for end in before_turns.ends:
            yield end._replace(digest=cache_scope + end.digest)
        base = blake2b(cache_scope + before_turns.digest + self.options, digest_size=DIGEST_SIZE).digest()
        last = len(self.turns.ends) - 1
        for number, end in enumerate(self.turns.ends):
            lifetime = (
                self.lifetime_of_final_breakpoint if number == last and end.lifetime is None else end.lifetime
            )
            yield PrefixEnd(base + end.digest, before_turns.tokens + end.tokens, end.ends_block, lifetime)

    @property
    def count_before_turns(self) -> int:
        """The number of blocks before the turns."""
        return sum(end.ends_block for end in self.before_turns.ends)

    def tokens_before(self, block: int) -> int:
        """Return the tokens of the prompt before a block, which is counted from 0."""
        ends = [end for end in self.before_turns.ends if end.ends_block]
        if block <= len(ends):
            return ends[block - 1].tokens if block else 0
        turns = [end for end in self.turns.ends if end.ends_block]
        return self.before_turns.tokens + turns[min(block - len(ends), len(turns)) - 1].tokens

    def block_digests(self) -> list[bytes]:
        """Return the hash of each prefix that ends with a block."""
        of_turns = blake2b(self.before_turns.digest + self.options, digest_size=8).digest()
        return [
            *(end.digest[:8] for end in self.before_turns.ends if end.ends_block),
            *(_mixed(end.digest, of_turns) for end in self.turns.ends if end.ends_block),
        ]


def _mixed(digest: bytes, salt: bytes) -> bytes:
    return (int.from_bytes(digest[:8]) ^ int.from_bytes(salt)).to_bytes(8)


def prompt_prefixes(request: Request, form: PromptForm) -> PromptPrefixes:
    """Return the prefixes of a request's prompt."""
    fields = request.fields
    before_turns = request.cached_by_remaining_members(
        _MEMO_KEYS[form], lambda: _chain_before_turns(form, request)
    )
    turns = _divided_chain(request, form) or _turn_chain(form, form.items(request))
    return PromptPrefixes(
        before_turns, turns, form.options(fields), form.lifetime_of_final_breakpoint(fields)
    )


def _chain_before_turns(form: PromptForm, request: Request) -> PrefixChain:
    chain = PrefixChain()
    for block in form.blocks_before_turns(request.fields):
        chain.add(block)
    return chain


def _turn_chain(form: PromptForm, items: Sequence[Json]) -> PrefixChain:
    step, chain = _step(form), PrefixChain()
    for item in items:
        step(chain, item)
    return chain


def _divided_chain(request: Request, form: PromptForm) -> PrefixChain | None:
    """Return the chain of a divided body; turns that came before are not hashed again."""
    divided = request.divided_body
    if divided is None or form.items(request) is not divided.items:
        return None
    return divided.reduce_turns(memo_key=_MEMO_KEYS[form], initial=_initial_chain, step=_step(form))


def _initial_chain(chain: PrefixChain | None) -> PrefixChain:
    if chain is None:
        return PrefixChain()
    return PrefixChain(chain.digest, chain.tokens, chain.turns, chain.ends.copy())


def _step(form: PromptForm) -> Callable[[PrefixChain, Json], bool]:
    def step(chain: PrefixChain, item: Json) -> bool:
        for block in form.turn(item, chain.turns):
            chain.add(block)
        chain.turns += 1
        return True

    return step


def _segments(size: int) -> Iterator[tuple[int, int]]:
    """Yield the segments of a block by their bytes; an empty block is one segment."""
    start, length = 0, SEGMENT_SIZES[-1][1]
    while size - start > length:
        yield start, start + length
        start += length
        length = next(length for begin, length in SEGMENT_SIZES if start >= begin)
    yield start, size


def block_name(request: Request, form: PromptForm, number: int) -> str:
    """Return the name of a block by its number in the prompt; `the end` after the last one."""
    for block in all_blocks(request, form):
        if not number:
            return block.name
        number -= 1
    return "the end"


def all_blocks(request: Request, form: PromptForm) -> Iterator[PromptBlock]:
    """Yield all blocks of a prompt in their order."""
    yield from form.blocks_before_turns(request.fields)
    for number, item in enumerate(form.items(request)):
        yield from form.turn(item, number)
