"""The replies in the description of an MCP server: for which calls, and which reply."""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.matching.conditions import Equals, Glob, OneOf
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, Field, FieldMatcher, Matcher
from mockllm.core.request.uri_template import VARIABLE, expanded
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.mcp_reply import McpReplySpec
from mockllm.scenario.language.mcp_server import CONTENTS, McpResourceSpec, McpServerSpec
from mockllm.scenario.language.reply import ReplySpec

_WILD: Final = re.compile(r"[*?\[]")
"""The characters with a meaning in a glob; each is plain text as a set of one character."""


def mcp_matcher(spec: McpServerSpec) -> Matcher:
    """Return the matcher of the calls for which the description has a reply."""
    named = (
        ("tool", [Equals(tool.name) for tool in spec.tools if tool.reply is not None]),
        ("prompt", [Equals(prompt.name) for prompt in spec.prompts if prompt.messages]),
        ("resource", [_address(resource) for resource in spec.resources if _content(resource)]),
    )
    tests = tuple(FieldMatcher(Field("mcp", key), OneOf(tuple(names))) for key, names in named if names)
    return AllMatcher((FieldMatcher(Field("mcp", "server"), Equals(spec.name)), AnyMatcher(tests)))


def _address(spec: McpResourceSpec) -> Equals | Glob:
    if spec.uri is not None:
        return Equals(spec.uri)
    literals = VARIABLE.split(spec.address)[:: VARIABLE.groups + 1]
    return Glob("*".join(_WILD.sub(r"[\g<0>]", literal) for literal in literals))


def _content(spec: McpResourceSpec) -> set[str]:
    return spec.model_fields_set & CONTENTS


def mcp_reply(spec: McpServerSpec, call: dict[str, Json]) -> ReplySpec | None:
    """Return the reply to a call that the matcher of this server matches. None for an address that a glob matches and
    the template does not."""
    if "tool" in call:
        return next(tool.reply for tool in spec.tools if tool.name == call["tool"] and tool.reply is not None)
    if "prompt" in call:
        prompt = next(prompt for prompt in spec.prompts if prompt.name == call["prompt"])
        reply = McpReplySpec.model_construct({"messages"}, messages=prompt.messages)
        return ReplySpec.model_construct({"mcp"}, mcp=reply)
    uri = str(call.get("resource"))
    found = [each for each in spec.resources if _content(each) and _is_address(each, uri)]
    found.sort(key=lambda resource: resource.uri is None)  # an exact address comes before families
    return _resource_reply(found[0]) if found else None


def _is_address(spec: McpResourceSpec, uri: str) -> bool:
    return uri == spec.uri if spec.uri is not None else expanded(spec.address, uri) is not None


def _resource_reply(spec: McpResourceSpec) -> ReplySpec:
    if spec.blob is not None:
        return ReplySpec.model_construct({"images"}, images=[spec.blob])
    if spec.text is not None:
        return ReplySpec.model_construct({"text"}, text=spec.text)
    return ReplySpec.model_construct({"json_"}, json_=spec.json_)


def mcp_members(spec: McpReplySpec) -> dict[str, Json]:
    """Return the keys of an MCP server's reply that are set, with their values as JSON."""
    members: dict[str, Json] = {}
    for name in sorted(spec.model_fields_set):
        value = getattr(spec, name)
        if name in ("events", "messages"):
            value = [_set_members(each) for each in value]
        members[name] = _set_members(value) if name == "task" and value is not None else value
    return members


def _set_members(spec: Spec) -> dict[str, Json]:
    return {key: getattr(spec, key) for key in sorted(spec.model_fields_set)}
