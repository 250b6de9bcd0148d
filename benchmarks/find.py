"""What finding the rule costs, by number of rules and by their conditions.

Prints the cost of one find (first match, the request already read) through the index for 10, 1,000 and 10,000
rules, and beside it one linear scan of the 10,000, a miss's `nearest`, and building the index.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter

from propcache.api import cached_property

from benchmarks.rounds import Effort
from mockllm.core.matching.conditions import Compare, Contains, Equals, Glob, Regex, StartsWith
from mockllm.core.matching.matchers import AllMatcher, Field, FieldMatcher, Matcher
from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.core.request.request import Message, Request, TextPart

SIZES = (10, 1_000, 10_000)
WORDS = (
    "the",
    "order",
    "of",
    "my",
    "last",
    "week",
    "please",
    "refund",
    "parcel",
    "weather",
    "in",
    "paris",
    "why",
)


class Chat(Request):
    """Reads the fields of the matchers below."""

    @cached_property
    def model(self) -> str | None:
        model: str = self.fields["model"]
        return model

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return tuple(Message(each["role"], (TextPart(each["content"]),)) for each in self.fields["messages"])


def chat(number: int, random: Random) -> Chat:
    """A request that rule `number` of each kind is for."""
    text = " ".join(random.choices(WORDS, k=12)) + f" case number {number}."
    body = {
        "model": f"model-{number}",
        "messages": [{"role": "user", "content": text}],
        "temperature": number + 0.5,
        "metadata": {"case": f"case-{number}", f"key-{number}": "on"},
    }
    request = Chat(method="POST", path="/v1/chat/completions", headers={}, raw=json.dumps(body).encode())
    _ = request.model, request.user, request.body
    return request


def mixed(number: int) -> Matcher:
    return AllMatcher(
        (
            FieldMatcher(Field("model"), Glob(f"model-{number}*")),
            FieldMatcher(Field("user"), Contains(f"number {number}.")),
            FieldMatcher(Field("body", "$.metadata.case"), Equals(f"case-{number}")),
        )
    )


KINDS: dict[str, Callable[[int], Matcher]] = {
    "by model": lambda n: FieldMatcher(Field("model"), Equals(f"model-{n}")),
    "by model prefix": lambda n: FieldMatcher(Field("model"), StartsWith(f"model-{n}")),
    "mixed": mixed,
    "contains only": lambda n: FieldMatcher(Field("user"), Contains(f"number {n}.")),
    "contains, any case": lambda n: FieldMatcher(Field("user"), Contains(f"Number {n}.", True)),
    "regex only": lambda n: FieldMatcher(Field("user"), Regex(rf"case\s+number {n}\.")),
    "body equality only": lambda n: FieldMatcher(Field("body", "$.metadata.case"), Equals(f"case-{n}")),
    "body distinct paths": lambda n: FieldMatcher(
        Field("body", f"$.metadata.key-{n}".replace(".key-", "['key-") + "']"), Equals("on")
    ),
    "number thresholds": lambda n: FieldMatcher(Field("body", "$.temperature"), Compare("gt", SIZES[-1] - n)),
}


def cost(act: Callable[[Request], object], requests: Sequence[Request], rounds: int = 9) -> float:
    """Microseconds of one act, in the quietest round."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        for request in requests:
            act(request)
        times.append((perf_counter() - start) / len(requests))
    return min(times) * 1e6


def first(index: RuleIndex, size: int) -> Callable[[Request], int | None]:
    """Return a function that finds the first matcher of an index of `size` matchers."""
    return lambda request: next(index.matching(index.match_mask(request), request, 0, size), None)


def scan(matchers: Sequence[Matcher]) -> Callable[[Request], Matcher | None]:
    return lambda request: next((matcher for matcher in matchers if matcher.matches(request)), None)


def main(effort: Effort) -> None:
    random = Random(1)
    print("| conditions of the rules | " + " | ".join(f"{size:,} rules" for size in SIZES), end="")
    print(" | ratio, wanted at most 2 | linear scan | `nearest` of a miss | building |")
    print("|---" + "|--:" * (len(SIZES) + 4) + "|")
    for name, kind in KINDS.items():
        line = []
        for size in SIZES:
            matchers = [kind(number) for number in range(size)]
            start = perf_counter()
            index = RuleIndex(matchers)
            built = (perf_counter() - start) * 1e3
            requests = [chat(random.randrange(size), random) for _ in range(300)]
            rounds = effort.rounds * effort.seconds
            line.append(cost(first(index, size), requests, rounds))
        linear = cost(scan(matchers), requests[:5], 3)
        misses = [chat(SIZES[-1] + number, random) for number in range(20)]
        near = cost(index.nearest, misses, 3)
        found = " | ".join(f"{each:.2f} µs" for each in line)
        rest = f"{linear:,.0f} µs | {near:.0f} µs | {built:.0f} ms"
        print(f"| {name} | {found} | **{line[-1] / line[0]:.2f}** | {rest} |")
