"""Seeded mutations of bytes, of JSON and of scenario files."""

# ruff: noqa: E501 - one line for each row

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

TOKENS: Final = (
    b"\r\n", b"\n", b"\r", b"\0", b"\xff\xfe", b" ", b":", b";", b"\t", b"%", b"%00", b"%ff", b"%2e%2e/", b"?", b"#", b"//",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: -1\r\n",
    b"Content-Length: 5\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Content-Encoding: gzip\r\n", b"Content-Encoding: deflate\r\n", b"Host: \xc3\xa9\r\n", b"HTTP/1.0", b"HTTP/2.0", b"http://a:b@c/",
    b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"X-Mockllm-Session: a b\r\n", b"X-Mockllm-Seed: 7@9999,r0:1:1\r\n", b"/s/x/", b"/s//",
    b"x" * 5000, b"a: b\r\n" * 200, b"&" * 300, b"?" * 3000, b"\xed\xa0\x80",
)  # fmt: skip
VALUES: Final[Sequence[Any]] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 1e308, 5e-324, -0.0, 10**300, "", " ", "\0", "x" * 3000, "\ud800",
    "\u202e", "é" * 50, "{{ x }}", "${x}", "data:image/png;base64,AAAA", "data:", "http://x", "-1", "1e999", "null", [], {}, [[]], [{}],
    {"": ""}, [None], {"type": "text"}, {"type": "object"}, {"role": "user", "content": "x"}, {"$ref": "#"}, {"type": ["object", "null"]},
)  # fmt: skip
WORDS: Final = (
    "{{ x }}", "{{", "}}", "{% if x %}", "{{ user | upper }}", "{{ 1 / 0 }}", "{{ 9 ** 9 ** 9 }}", "${x}", "$${", "*", "&a", "*a", "!!binary x", "!x y",
    "1e999", "0x", ".inf", ".nan", "-0", "1d", "10000000000s", "-1s", "5%", "999999999999999999999", "~", "null", "yes", "'", '"', "|", ">", "- ",
    "? ", "[", "{", "]", "}", "#", "%YAML 1.9", "---", "...", "\t", "\0", "\x85", "\ud7ff", "é", "(a+)+$", "[a-", "(?P<x>", "\\", "$.a[?(@.b)]", "$..*",
    "x" * 2000, "{a: 1}", "[1, 2]", "rules:", "use: [default]", "reply:", "match:", "times: 0", "every: -1", "sequence: []", "faults: [{}]",
)  # fmt: skip

READ_WORDS: Final = (
    *("use the tool look", "city: Paris", "is", "named", "about", "5 sep 2024", "2024-01-02T10:00", "14:30 pm", "seven", "five", "3 plus 4"),
    *('"quoted"', "`code`", "$5.50", "a@b.example", "1.2.3.4", "src/a.py", "https://x.example/?a=1", "+49 170 123456", "#12", "Ada Lovelace"),
    *('{"a": 1}', "JSON with the keys `a` and `b`", "<tool_call>", "Observation:", "data:,x", "\r\n", "\0", "\ud800", "\u202e", "²", "½"),
)  # fmt: skip
"""What the server reads in a text."""
LOOKALIKES: Final = str.maketrans(
    {"s": "ſ", "S": "ẞ", "i": "ı", "I": "İ", "k": "K", "1": "١", "5": "５", " ": "\u2028", "f": "ﬁ"}
)
"""Characters that some searches take for others, and whose lower case is longer."""


def mutated_bytes(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return the bytes with one to four changes."""
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        to = min(len(data), at + random.choice((1, 1, 2, 4, 16, 64)))
        match random.randrange(7):
            case 0:
                data = data[:at] + data[to:]
            case 1:
                data = data[:at] + random.randbytes(to - at) + data[to:]
            case 2:
                data = data[:to] + data[at:]
            case 3:
                other = random.choice(others)
                begin = random.randrange(len(other) + 1)
                data = data[:at] + other[begin : begin + random.choice((4, 40, 400))] + data[at:]
            case 4:
                data = data[:at] if random.random() < 0.3 else data
            case _:
                data = data[:at] + random.choice(TOKENS) + data[at:]
    return data[:200_000]


def mutated_json(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return JSON with one to four changed places; sometimes no JSON any more."""
    value = json.loads(data)
    for _ in range(random.randint(1, 4)):
        value = _changed(random, value, others)
    text = json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    return text if random.random() < 0.95 else mutated_bytes(random, text, others)


def _changed(random: Random, value: Any, others: Sequence[bytes]) -> Any:
    """Return the value with one place changed, renamed, removed or repeated."""
    nodes = list(_nodes(value))
    if not nodes:
        return random.choice(VALUES)
    node = random.choice(nodes)
    key = random.choice(list(node) if isinstance(node, dict) else range(len(node)))
    new = json.loads(json.dumps(random.choice(VALUES)))  # a copy
    match random.randrange(8):
        case 0:
            del node[key]
        case 1 if isinstance(node, dict):
            node[random.choice(("", "type", "x" * 300, "\ud800", "__proto__"))] = new
        case 1:
            node.extend(node[:50] * random.choice((1, 20)))
        case 2:
            node[key] = json.loads(random.choice((*others, b"[" * 60 + b"]" * 60)))
        case 3 | 4:
            texts = [
                (each, name)
                for each in nodes
                for name in ("content", "text", "input")
                if _has_text(each, name)
            ]
            node, key = random.choice(texts or [(node, key)])
            node[key] = f"{node[key]} {_read_text(random)}"
        case _:
            node[key] = new
    return value


def _has_text(node: Any, name: str) -> bool:
    return isinstance(node, dict) and isinstance(node.get(name), str)


def _read_text(random: Random) -> str:
    """Return a text of words that the server reads, some with other characters that are like theirs."""
    words = random.choices(READ_WORDS, k=random.randint(1, 12))
    text = random.choice((" ", "", ", ", "\n")).join(words)
    for _ in range(random.choice((0, 1, 3))):
        at = random.randrange(len(text))
        text = text[:at] + text[at].translate(LOOKALIKES) + text[at + 1 :]
    return text


def _nodes(value: Any) -> Iterator[Any]:
    """Yield all objects and lists that are not empty."""
    if isinstance(value, dict | list) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _nodes(inner)


def mutated_scenario(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a scenario file with one to four changed lines or words."""
    lines = data.decode("utf-8", "replace").split("\n")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        match random.randrange(7):
            case 0:
                del lines[at : at + random.randint(1, 3)]
            case 1:
                lines[at:at] = lines[at : at + random.randint(1, 6)] * random.choice((1, 1, 30))
            case 2:
                lines[at] = " " * random.randint(0, 6) + lines[at].lstrip()
            case 3:
                other = random.choice(others).decode("utf-8", "replace").split("\n")
                begin = random.randrange(len(other))
                lines[at:at] = other[begin : begin + random.randint(1, 8)]
            case 4:
                lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
            case _:
                words = lines[at].split(" ")
                words[random.randrange(len(words))] = random.choice(WORDS)
                lines[at] = " ".join(words)
        lines = lines or [""]
    return "\n".join(lines)[:100_000].encode("utf-8", "surrogatepass")
