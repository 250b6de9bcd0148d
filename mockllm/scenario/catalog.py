"""What the engine answers from: all rules and modifiers in their order, compiled, behind one index.

A catalog never changes. A reload makes a new one and takes over whatever items stayed the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from mockllm.core.json.codec import Json
from mockllm.core.limits import Limit
from mockllm.core.matching.matchers import Matcher
from mockllm.core.matching.rule_index import RuleIndex
from mockllm.core.randomness import Randomness
from mockllm.core.selection.decision import Guard, Validation
from mockllm.core.selection.load import Load
from mockllm.core.selection.named_states import Value
from mockllm.scenario.language.error import ErrorSpec
from mockllm.scenario.language.proxy import ProxySpec
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.language.reply import HttpSpec, ReplySpec
from mockllm.scenario.language.settings import Settings


class CompiledResponse(Struct, frozen=True, eq=False):
    """One thing to say: a reply, an error, plain HTTP, a recording, or what another server says. `static`: nothing
    in it is templated or drawn."""

    spec: ReplySpec | ErrorSpec | HttpSpec | ReplaySpec | ProxySpec
    settings: Settings
    static: bool
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The contents of the files that it names."""
    fixed_input: bool = False
    """Whether it says itself how many tokens the input has."""
    request_independent: bool = False
    """Whether it leaves nothing to the body: every request is answered the same, and the body not parsed."""


class ResponseSelector(Struct, frozen=True):
    """What a rule says at each turn. `bounds` are running sums: of steps' times in a sequence, of weights in
    a choice; empty where there is one saying only."""

    responses: Sequence[CompiledResponse]
    mode: Literal["one", "sequence", "choose"] = "one"
    cumulative: Sequence[float] = ()
    then: Literal["repeat_last", "cycle", "fall_through", "error"] = "repeat_last"

    @property
    def most(self) -> int | None:
        """How many answers it has at most: a sequence that falls through as many as its steps, a choice whose weights
        are all 0 none."""
        if self.mode == "sequence" and self.then == "fall_through":
            return int(self.cumulative[-1])
        return 0 if self.mode == "choose" and not self.cumulative[-1] else None

    def pick(self, given: int, chance: Randomness) -> int | None:
        """The number of the saying for the next answer after so many; None where a sequence has ended."""
        if self.mode == "one":
            return 0
        if self.mode == "choose":
            return min(
                bisect_right(self.cumulative, chance.uniform("choose") * self.cumulative[-1]),
                len(self.cumulative) - 1,
            )
        total = int(self.cumulative[-1])
        if given >= total:
            if self.then == "cycle":
                given %= total
            elif self.then == "repeat_last":
                return len(self.cumulative) - 1
            else:
                return None
        return bisect_right(self.cumulative, given)


class CatalogItem(Struct, frozen=True):
    """A rule or a modifier. `id` is what a person reads (`a.yaml:greeting`), `where` its file and line, `key`
    names its counts, `print` all that it was made of. A rule has `answers`, a modifier may have an `error`.
    Of layers the lower number wins."""

    id: str
    where: str
    key: str
    digest: str
    layer: int
    matcher: Matcher
    per: str = "global"
    guard: Guard | None = None
    validation: Validation = "strict"
    known_models: bool = False
    """Whether it answers known models only."""
    answers: ResponseSelector | None = None
    settings: Settings | None = None
    error: CompiledResponse | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    captures: bool = False
    """Whether its match has regex groups that a template may name."""
    models: Sequence[str] = ()
    """The model names that its match spells out."""
    paths: Sequence[str] = ()
    """The paths that its match spells out."""
    sets: Mapping[str, Value] | None = None
    """The named states that its answer sets."""
    limit: Limit | None = None
    load: Load | None = None


class Catalog(Struct, frozen=True):
    """`items`: first all rules, in the order in which they answer, then all modifiers in theirs."""

    items: Sequence[CatalogItem]
    rules: int
    index: RuleIndex
    models: Sequence[str] = ()
    """The literal model names of the rules."""
    files: int = 0
    known_models: bool = False
    """Whether a rule answers known models only: what answers by itself then knows no others either."""
    uses: bool = False
    """Whether any pack is used: a miss tells of `use: [default]` where none is."""

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(item.key for item in self.items)
