"""Any matcher and any request, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from mockllm.core.json.codec import Json
from mockllm.core.json.jsonpath import compile_path
from mockllm.core.matching.conditions import (
    AllOf,
    AtPath,
    Compare,
    Condition,
    Contains,
    Each,
    EndsWith,
    Equals,
    Exists,
    Glob,
    Length,
    Members,
    OneOf,
    Regex,
    Some,
    StartsWith,
    Subset,
    ValidBySchema,
)
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, Field, FieldMatcher, Matcher, NotMatcher
from tests.core.json_requests import JsonRequest, json_request

WORDS = [
    "",
    "a",
    "b",
    "ab",
    "aB",
    "Ab",
    "abc",
    "gpt-4",
    "GPT-4",
    "ba",
    "a b",
    "İ",
    "ı",
    "I",
    "ß",
    "SS",
    "x/y",
]
NUMBERS = [0, 1, 1.0, 2, 2.5, -1, 3]
PATHS = ["$", "$.a", "$.b", "$.a.b", "$.a[0]", "$.a[-1]", "$['x y']", "$.messages[0][1]"]
MANY = ["$.a[*]", "$..b", "$.messages[*][0]", "$.a[?@.b == 1]"]
GLOBS = ["*", "a*", "*b", "*b*", "a*b", "g?t*", "[ab]*", "", "ab", "*a?b*", "?b"]
REGEXES = ["ab", "^a", "b$", "(?i)AB", "a.b", "a|b", "(?:ab)+", "[ab]", "gpt-\\d", "(?i:a)b", "(ab)?", ""]

words = st.sampled_from(WORDS)
scalars = st.one_of(words, st.sampled_from(NUMBERS), st.booleans(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
bools = st.booleans()


def nested(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, max_size=3).map(tuple)
    members = st.dictionaries(st.sampled_from(["a", "b", "role", "text", "name", "json"]), inner, max_size=2)
    return st.one_of(
        st.builds(OneOf, several),
        st.builds(AllOf, several),
        st.builds(Some, inner),
        st.builds(Each, inner),
        st.builds(Length, inner),
        st.builds(Members, members),
        st.builds(AtPath, st.sampled_from(PATHS).map(compile_path), inner),
    )


conditions = st.recursive(
    st.one_of(
        st.builds(Equals, values, bools),
        st.builds(Contains, scalars, bools),
        st.builds(StartsWith, words, bools),
        st.builds(EndsWith, words, bools),
        st.builds(Glob, st.sampled_from(GLOBS), bools),
        st.builds(Regex, st.sampled_from(REGEXES), bools),
        st.builds(Compare, st.sampled_from(["gt", "gte", "lt", "lte"]), st.sampled_from(NUMBERS)),
        st.builds(Exists, bools),
        st.builds(Subset, values),
        st.builds(ValidBySchema, st.sampled_from([{"type": "string"}, {"type": "array"}, True])),
    ),
    nested,
    max_leaves=4,
)
PLAIN = [
    "method", "path", "provider", "dialect", "api", "generates", "host", "session", "api_key", "model",
    "stream", "response_format", "tool_choice", "turn", "user", "system", "tools", "tool_result",
    "has_image", "messages", "raw_body", "input_tokens", "hash",
]  # fmt: skip
fields = st.one_of(
    st.sampled_from(["user", "model", "tools", "messages", "tool_result", "turn"]).map(Field),
    st.sampled_from(PLAIN).map(Field),
    st.builds(Field, st.sampled_from(["headers", "query"]), st.sampled_from(["a", "b", "c"])),
    st.builds(Field, st.just("body"), st.sampled_from(PATHS)),
    st.builds(Field, st.just("body"), st.sampled_from(MANY)),
)
tests = st.builds(FieldMatcher, fields, conditions)
matchers: st.SearchStrategy[Matcher] = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(AllMatcher, st.lists(inner, max_size=4).map(tuple)),
        st.builds(AnyMatcher, st.lists(inner, max_size=3).map(tuple)),
        st.builds(NotMatcher, inner),
    ),
    max_leaves=6,
)
roles = st.sampled_from(["user", "assistant", "system"])
turns = st.tuples(roles, words | st.none()) | st.tuples(st.just("tool"), st.lists(words, max_size=2))
bodies = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "model": words,
            "messages": st.lists(turns, max_size=3),
            "tools": st.lists(words, max_size=2),
            "tool_choice": st.lists(words, max_size=2),
            "schema_name": words,
            "stream": bools,
            "a": values,
            "b": values,
            "x y": values,
        },
    ),
    values.filter(lambda value: not isinstance(value, dict)),
)


@st.composite
def requests(draw: st.DrawFn) -> JsonRequest:
    pairs = st.dictionaries(st.sampled_from(["a", "b", "d", "host", "x-api-key"]), words, max_size=3)
    query = draw(pairs)
    return json_request(
        draw(bodies),
        headers=draw(pairs),
        query_string="&".join(f"{name}={value}".replace(" ", "+") for name, value in query.items()),
        session=draw(st.none() | words),
        path=draw(words),
    )


def deep(value: Json, levels: int = 80) -> Json:
    for _ in range(levels):
        value = [value]
    return value
