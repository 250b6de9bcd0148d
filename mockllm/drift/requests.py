"""The requests of a run: a pack's examples, and recorded requests; each once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from mockllm.dialects.providers import DEFAULT
from mockllm.scenario.example_entries import ExampleEntry
from mockllm.scenario.language.examples import RequestSpec
from mockllm.testing.example_requests import SentRequest, UnsupportedCall, build_sent_request, chosen_provider
from mockllm.testing.example_runner import providers_of, steps_of
from mockllm.testing.scenario_diff import Case


class DriftRequest(Struct, frozen=True):
    """A request to send, and the example or file from which it comes."""

    name: str
    sent: SentRequest


def example_requests(
    examples: Iterable[ExampleEntry], models: Mapping[str, str], max_tokens: int
) -> list[DriftRequest]:
    """Return the requests of examples. `models` replaces the model of a provider's requests; `max_tokens` is the
    maximum of requests that set none."""
    found: dict[SentRequestKey, DriftRequest] = {}
    for entry in examples:
        for name, spec, provider in _specs(entry):
            adapted = _adapted(spec, models.get(provider or DEFAULT.name), max_tokens)
            try:
                sent = build_sent_request(adapted, provider)
            except UnsupportedCall:
                continue
            found.setdefault(_key(sent), DriftRequest(name, sent))
    return list(found.values())


def recorded_requests(cases: list[Case]) -> list[DriftRequest]:
    """Return the requests of cases, each once."""
    found: dict[SentRequestKey, DriftRequest] = {}
    for case in cases:
        for _, sent in case.steps:
            found.setdefault(_key(sent), DriftRequest(case.name, sent))
    return list(found.values())


SentRequestKey = tuple[str, str, str, bytes]


def _key(sent: SentRequest) -> SentRequestKey:
    return (sent.method, sent.path, sent.query_string, sent.raw)


def _specs(entry: ExampleEntry) -> Iterator[tuple[str, RequestSpec, str | None]]:
    for provider in providers_of(entry):
        for step in steps_of(entry):
            yield entry.name, step.request, chosen_provider(step.request, provider)


def _adapted(spec: RequestSpec, model: str | None, max_tokens: int) -> RequestSpec:
    """Return an example's request with the model and the maximum; one with its own path stays as it is."""
    if spec.path is not None or "body" in spec.model_fields_set:
        return spec
    more: dict[str, object] = {} if model is None else {"model": model}
    if spec.max_tokens is None:
        more["max_tokens"] = max_tokens
    return spec.model_copy(update=more)
