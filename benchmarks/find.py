"""What finding the rule costs, by number of rules and by what they ask for: `python benchmarks/find.py`.

Prints the microseconds of one find (first match, the request already read) through the index for 10,
1,000 and 10,000 rules, the ratio, one linear scan, a miss's `nearest`, and the milliseconds of building.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mockllm.core.conditions import Compare, Contains, Equals, Glob, Regex, StartsWith
from mockllm.core.index import Index
from mockllm.core.lazy import lazy
from mockllm.core.matching import All, Field, Matcher, Test
from mockllm.core.request import Message, Request, TextPart

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
    """Reads what the matchers below ask for."""

    @lazy
    def model(self) -> str | None:
        model: str = self.fields["model"]
        return model

    @lazy
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
    return All(
        (
            Test(Field("model"), Glob(f"model-{number}*")),
            Test(Field("user"), Contains(f"number {number}.")),
            Test(Field("body", "$.metadata.case"), Equals(f"case-{number}")),
        )
    )


KINDS: dict[str, Callable[[int], Matcher]] = {
    "by model": lambda n: Test(Field("model"), Equals(f"model-{n}")),
    "by model prefix": lambda n: Test(Field("model"), StartsWith(f"model-{n}")),
    "mixed": mixed,
    "contains only": lambda n: Test(Field("user"), Contains(f"number {n}.")),
    "contains, any case": lambda n: Test(Field("user"), Contains(f"Number {n}.", True)),
    "regex only": lambda n: Test(Field("user"), Regex(rf"case\s+number {n}\.")),
    "body equality only": lambda n: Test(Field("body", "$.metadata.case"), Equals(f"case-{n}")),
    "body distinct paths": lambda n: Test(
        Field("body", f"$.metadata.key-{n}".replace(".key-", "['key-") + "']"), Equals("on")
    ),
    "number thresholds": lambda n: Test(Field("body", "$.temperature"), Compare("gt", SIZES[-1] - n)),
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


def first(index: Index) -> Callable[[Request], int | None]:
    return lambda request: next(index.find(request), None)


def scan(matchers: Sequence[Matcher]) -> Callable[[Request], Matcher | None]:
    return lambda request: next((matcher for matcher in matchers if matcher.holds(request)), None)


def main() -> None:
    random = Random(1)
    print(f"{'':22}" + "".join(f"{size:>9,}" for size in SIZES) + "   ratio   linear  nearest  build ms")
    for name, kind in KINDS.items():
        costs = []
        for size in SIZES:
            matchers = [kind(number) for number in range(size)]
            start = perf_counter()
            index = Index(matchers)
            built = (perf_counter() - start) * 1e3
            asked = [chat(random.randrange(size), random) for _ in range(300)]
            costs.append(cost(first(index), asked))
        linear = cost(scan(matchers), asked[:5], 3)
        near = cost(index.nearest, [chat(SIZES[-1] + number, random) for number in range(20)], 3)
        found = "".join(f"{each:9.2f}" for each in costs)
        print(f"{name:22}{found}{costs[-1] / costs[0]:8.2f}{linear:9.0f}{near:9.0f}{built:10.0f}")


if __name__ == "__main__":
    main()
