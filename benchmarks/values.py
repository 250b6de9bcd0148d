"""What a value of a schema costs whose fields take their values from the conversation.

The texts are as long as any that are read, and full of values: 4,000 characters of the person, and 1,500 each of a
tool's result and of an earlier text. Each is new, so that nothing of it is cached.
"""

from __future__ import annotations

from functools import partial
from random import Random
from statistics import median, quantiles
from time import thread_time

from benchmarks.rounds import Effort
from mockllm.core.json.codec import Json
from mockllm.core.schema_values.conversation import MAX_OTHER, MAX_QUESTION, ConversationTexts
from mockllm.core.schema_values.generator import generate

TEXTS = {
    "an order": "refund order 42 city Oslo date 2026-11-22 name 'Ada Lovelace' please the table seat price 17.5 "
    "euros before noon email a@b.example",
    "a log": 'level: info path=/srv/app/main.py line 42 "user": "ada" time 14:30:22 2026-11-22T14:30:22Z host '
    '10.0.0.12 id: req-77a1 error is timeout https://x.example/a?b=1 {"count": 3}',
    "code": "def main(argv): return load('config.yaml') + self.value[0] # TODO src/app/handlers/user.py `npm test` "
    'import os.path if x == 3: print("done") the file is named notes.txt',
    "prose": "The quick brown fox is in Paris and wants to travel to Berlin on 5 May 2026 with Anna Schmidt about "
    "seventy people were near the old town",
    "German": "Bitte buche für Herrn Jörg Müller einen Flug von Köln nach München am 5. Mai 2026 um 14:30 für 320 € "
    "und schicke alles an j.mueller@beispiel.example, Platz 12A über dem Flügel",
    "Chinese": "请 帮 我 预订 从北京到上海的机票 2026-05-05 座位 12A 价格320元 姓名: 李雷，订单号 77123，谢谢。",
    "numbers": "1 22 333 4444 5,555 66.6 -7 8888 99999 +49 170 1234567 2024 1999",
}
TEXTS["a log, one letter not ASCII"] = f"{TEXTS['a log']} größe"
_TEXT: Json = {"type": "string"}
_FIELDS: dict[str, dict[str, Json]] = {
    "a booking": {
        "order": {"type": "integer"},
        "city": _TEXT,
        "date": {"type": "string", "format": "date"},
        "name": _TEXT,
        "price": {"type": "number"},
        "unit": {"enum": ["euros", "dollars"]},
        "query": _TEXT,
        "email": {"type": "string", "format": "email"},
    },
    "an agent's tool": {
        "file_path": _TEXT,
        "content": _TEXT,
        "command": _TEXT,
        "line": {"type": "integer"},
        "url": {"type": "string", "format": "uri"},
        "mode": {"enum": ["read", "write", "append"]},
        "count": {"type": "number"},
        "recursive": {"type": "boolean"},
    },
    "a person": {
        "first_name": _TEXT,
        "last_name": _TEXT,
        "phone": _TEXT,
        "age": {"type": "integer"},
        "birthday": {"type": "string", "format": "date"},
        "country": _TEXT,
        "id": _TEXT,
        "tags": {"type": "array", "items": _TEXT},
    },
}


def main(effort: Effort) -> None:
    """Print the CPU time of one value for each kind of text and schema."""
    print(
        "| texts of 7,000 characters | schema of eight fields | median | p95, wanted at most 1 ms | fields taken |"
    )
    print("|---|---|--:|--:|--:|")
    for kind, words in TEXTS.items():
        for subject, properties in _FIELDS.items():
            schema: Json = {"type": "object", "properties": properties, "required": [*properties]}
            times, taken = _times(schema, words.split(), 100 * effort.rounds)
            p95 = quantiles(times, n=20)[-1]
            print(f"| {kind} | {subject} | {median(times):.2f} ms | **{p95:.2f} ms** | {taken:.1f} |")


def _times(schema: Json, words: list[str], count: int) -> tuple[list[float], float]:
    """Return the milliseconds of each value, and the mean number of fields with a value from the text."""
    texts, times, taken = Random(1), [], 0
    for seed in range(count + 20):
        question, result, earlier = (
            " ".join(texts.choices(words, k=length))[:length]
            for length in (MAX_QUESTION, MAX_OTHER, MAX_OTHER)
        )
        begun = thread_time()
        value = generate(
            schema,
            Random(seed),
            conversation=ConversationTexts(question, [result], [earlier]),
            again=partial(Random, seed),
        )
        times.append(1_000 * (thread_time() - begun))
        taken += len(value.taken)
    return times[20:], taken / len(times)
