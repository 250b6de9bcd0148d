"""POST /v1/classify: the label of each input, by the words that it shares with the examples of each label.

From the method `classify` of the `cohere` package (7.3, `cohere/base_client.py`), and its type `ClassifyResponse`.
The messages of the refusals are inferred from that of too many texts, which users report of /v1/embed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from itertools import islice
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import objects, text_of, texts
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Message, Request, TextPart
from mockllm.dialects.cohere.errors import CohereCall, error_plan_v1, required, uuid
from mockllm.dialects.cohere.lookups import body_plan, meta
from mockllm.dialects.cohere.request import CohereBaseRequest
from mockllm.dialects.dialect import ResponseIdentity

MAX_INPUTS: Final = 96
MAX_EXAMPLES: Final = 2500
EXAMPLES_OF_A_LABEL: Final = 2
"""The fewest examples of a label. These three bounds are those of the method's docstring."""
TRUNCATIONS: Final = ("NONE", "START", "END")
MAX_CHARACTERS: Final = 2048
"""The most characters of a text that are read: 512 tokens, the longest example, have about as many."""
MAX_READ: Final = 262_144
"""The most characters that are read of all texts, unless there are many."""
ALWAYS_READ: Final = 128
"""The characters that are read of each text, however many there are."""
LONG_READ: Final = 8_192
"""Characters. More of them may take more than 2 ms."""
MANY_SCORES: Final = 1_000
"""Numbers of the response. More of them may take more than 5 ms."""
MAX_SHOWN: Final = 100
"""The characters of a label that a refusal repeats."""
TUNED_LABELS: Final = ("positive", "negative")
"""The labels without examples. Those of a fine-tuned model come from its training."""
_WORD: Final = re.compile(r"\w+")


class CohereClassifyRequest(CohereBaseRequest):
    """A request to /v1/classify; each input is a message of the user."""

    api = "classify"
    evaluates = True

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        return tuple(islice(texts(self.fields.get("inputs")), MAX_INPUTS))

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        return tuple(Message("user", (TextPart(text),)) for text in self.inputs)

    @cached_property
    def examples(self) -> tuple[tuple[str, str], ...]:
        """The text and the label of each example."""
        found = (
            (text_of(example.get("text")), text_of(example.get("label")))
            for example in islice(objects(self.fields.get("examples")), MAX_EXAMPLES)
        )
        return tuple((text, label) for text, label in found if text and label)

    @cached_property
    def labels(self) -> Mapping[str, int]:
        """The labels in their order, with the number of examples of each."""
        counts: dict[str, int] = {}
        for _, label in self.examples:
            counts[label] = counts.get(label, 0) + 1
        return counts or dict.fromkeys(TUNED_LABELS, EXAMPLES_OF_A_LABEL)

    @cached_property
    def share(self) -> int:
        """The characters that are read of each text."""
        number = len(self.inputs) + len(self.examples)
        return min(MAX_CHARACTERS, max(ALWAYS_READ, MAX_READ // max(number, 1)))

    @property
    def truncate(self) -> Json:
        """The end of a long text that is left out; `END` where the request names none."""
        named = self.fields.get("truncate")
        return "END" if named is None else named

    def words(self, text: str) -> frozenset[str]:
        """Return the words of the part of a text that is read."""
        part = text[-self.share :] if self.truncate == "START" else text[: self.share]
        return frozenset(word.lower() for word in _WORD.findall(part))

    @cached_property
    def echoed_characters(self) -> int:
        return len(self.inputs) * sum(map(len, self.labels)) + sum(map(len, self.inputs))

    @property
    def planning_takes_long(self) -> bool:
        read = sum(map(len, self.inputs)) + sum(len(text) for text, _ in self.examples)
        return read > LONG_READ or len(self.inputs) * len(self.labels) > MANY_SCORES


def _hash(text: str, key: bytes = b"") -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4, key=key).digest()


def _fraction(label: str, text_hash: bytes) -> float:
    """Return a number in [0, 1) for a label and the hash of a text, which is hashed once for all labels."""
    return int.from_bytes(_hash(label, text_hash), "big") / 2**32


def _label_words(request: CohereClassifyRequest) -> dict[str, set[str]]:
    """Return the words of the examples of each label."""
    words: dict[str, set[str]] = {label: set() for label in request.labels}
    for text, label in request.examples:
        words[label] |= request.words(text)
    return words


def confidences(
    request: CohereClassifyRequest, text: str, label_words: Mapping[str, set[str]]
) -> dict[str, float]:
    """Return the confidence of each label for a text; all add up to 1.

    A label has a weight for each word that it shares with the text. A hash of both, which is smaller than such a
    weight, decides where two labels share as many words.
    """
    words, text_hash = request.words(text), _hash(text[:MAX_CHARACTERS])
    weights = {
        label: 1 + 4 * len(words & own) + _fraction(label, text_hash) for label, own in label_words.items()
    }
    total = sum(weights.values())
    return {label: round(weight / total, 8) for label, weight in weights.items()}


class CohereClassify(CohereCall):
    """POST /v1/classify."""

    api = "classify"
    request_class = CohereClassifyRequest
    error = staticmethod(error_plan_v1)

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, CohereClassifyRequest)
        failure = self.check_readable(request) or required(request.fields, inputs=list)
        if failure is not None:
            return failure
        problem = _problem_of_inputs(request) or _problem_of_examples(request)
        return None if problem is None else Failure("bad_request", message=f"invalid request: {problem}")

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        assert isinstance(request, CohereClassifyRequest)
        label_words = _label_words(request)
        classifications = []
        for place, text in enumerate(request.inputs):
            found = confidences(request, text, label_words)
            best = max(found, key=lambda label: found[label])
            classifications.append({
                "classification_type": "single-label",
                "confidence": found[best],
                "confidences": [found[best]],
                "id": uuid(identity, f"input {place}"),
                "input": text,
                "labels": {label: {"confidence": value} for label, value in found.items()},
                "prediction": best,
                "predictions": [best],
            })  # fmt: skip
        billed = meta("1", classifications=len(request.inputs))
        return body_plan(
            {"id": uuid(identity, ""), "classifications": classifications, "meta": billed}, identity
        )


def _problem_of_inputs(request: CohereClassifyRequest) -> str | None:
    """Return what is wrong with the inputs, and with their truncation."""
    inputs = request.fields["inputs"]
    if not inputs:
        return "inputs must not be empty"
    if len(inputs) > MAX_INPUTS:
        return f"total number of inputs must be at most {MAX_INPUTS} - received {len(inputs)}"
    if not all(type(text) is str and text for text in inputs):
        return "each input must be a non-empty string"
    if request.truncate not in TRUNCATIONS:
        return f"truncate must be one of {', '.join(TRUNCATIONS)}"
    if request.truncate == "NONE" and max(map(len, inputs)) > MAX_CHARACTERS:
        return f"each input must have at most {MAX_CHARACTERS} characters where truncate is NONE"
    return None


def _problem_of_examples(request: CohereClassifyRequest) -> str | None:
    """Return what is wrong with the examples, which only a fine-tuned model or a preset makes optional."""
    fields = request.fields
    examples = fields.get("examples")
    if not examples and (text_of(fields.get("model")) or text_of(fields.get("preset"))):
        return None
    if type(examples) is not list or not examples:
        return "examples is required without a fine-tuned model"
    if len(examples) > MAX_EXAMPLES:
        return f"total number of examples must be at most {MAX_EXAMPLES} - received {len(examples)}"
    if len(request.examples) < len(examples):
        return "each example must have a text and a label"
    few = next((label for label, count in request.labels.items() if count < EXAMPLES_OF_A_LABEL), None)
    return (
        None if few is None else f"label {few[:MAX_SHOWN]} must have at least {EXAMPLES_OF_A_LABEL} examples"
    )
