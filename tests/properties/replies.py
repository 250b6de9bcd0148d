"""Any legal reply: made of the language's own parts, as a scenario file would hold them after loading."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from mockllm.core.failure import NAMED
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import Randomness
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.templates.template import TemplateScope
from mockllm.core.values.types import EvaluationContext, evaluate
from mockllm.scenario.language.reply import ReplySpec
from mockllm.scenario.reply_renderer import ReplyRenderer

# Without braces: a text in them would be a template.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}"), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
text_words = texts | st.fixed_dictionaries({"tokens": st.integers(0, 8)}) | st.just({"sentences": 2})
between = st.one_of(
    st.just({"wait": "5ms"}),
    st.builds(lambda text: {"comment": text}, texts),
    st.builds(lambda text: {"raw": text}, texts),
)
errors = st.builds(lambda name: {"error": name}, st.sampled_from(sorted(NAMED)))
whole_chunks = st.lists(texts | between, max_size=6)
broken_chunks = st.builds(lambda before, error: [*before, error], whole_chunks, errors)
tool_calls = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["get_weather", "f"])},
        optional={"arguments": st.dictionaries(texts, json_values, max_size=3), "id": st.just("call_x")},
    ),
    max_size=3,
)
finishes = st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal"])


def parts(chunks: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """An order of one's own."""
    one = st.one_of(
        st.builds(lambda text: {"text": text}, text_words),
        st.builds(lambda built: {"chunks": built}, chunks),
        st.builds(lambda value: {"json": value}, json_values),
        st.builds(lambda text: {"thinking": text}, text_words),
        st.builds(lambda calls: {"tool_calls": calls}, tool_calls),
        st.builds(lambda text: {"refusal": text}, text_words),
    )
    return st.lists(one, min_size=1, max_size=4)


def choices(chunks: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """What one choice may say."""
    reported = st.one_of(
        st.fixed_dictionaries({"text": text_words}),
        st.fixed_dictionaries({"chunks": chunks}),
        st.fixed_dictionaries({"json": json_values}),
        st.just({}),
    )
    more: dict[str, st.SearchStrategy[Any]] = {
        "thinking": text_words,
        "tool_calls": tool_calls,
        "refusal": text_words,
        "finish_reason": finishes,
    }
    plain = st.builds(lambda one, two: {**one, **two}, reported, st.fixed_dictionaries({}, optional=more))
    return plain | st.fixed_dictionaries({"parts": parts(chunks)}, optional={"finish_reason": finishes})


def words(chunks: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """What may follow `reply:`."""
    about: dict[str, st.SearchStrategy[Any]] = {
        "model": st.just("another-model"),
        "usage": st.fixed_dictionaries(
            {}, optional={"input_tokens": st.integers(5, 50), "output_tokens": st.integers(5, 50)}
        ),
        "choices": st.lists(choices(chunks), min_size=1, max_size=3),
    }
    return st.builds(
        lambda one, two: two if "choices" in two else {**one, **two},
        choices(chunks),
        st.fixed_dictionaries({}, optional=about),
    )


unbroken = words(whole_chunks)
"""Replies that are sent to their end."""
any_words = words(whole_chunks | broken_chunks)
"""Replies that may break off in the middle."""


def built(word: dict[str, Any], request: Request, size: int) -> Reply:
    """The reply as the engine makes it."""
    chance = Randomness(0, "rule", "", 1)
    evaluated = evaluate(ReplySpec.model_validate(word), EvaluationContext(TemplateScope(request), chance))
    return ReplyRenderer(request, chance, ChunkSize(size, "characters"), str.encode).reply(evaluated)
