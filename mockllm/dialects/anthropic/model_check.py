"""What a known model refuses of a valid request.

Sources of the messages: the provider's pages of problems with thinking and of migration, and requests of July to
October 2026 that public projects measured. The order of two refusals is inferred.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

from mockllm.core.batch import BATCH_HEADER
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.known_models import KnownModel, known_model, snapshot
from mockllm.dialects.anthropic.server_tools import MCP_USE

_MAX_TOKENS: Final = "max_tokens: {} > {}, which is the maximum allowed number of output tokens for {}"
"""Quoted in public reports, such as github.com/anthropics/claude-code/issues/24451."""
_USE_ADAPTIVE: Final = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
_NO_TYPE: Final = '"thinking.type.{}" is not supported for this model.'
"""Quoted in public reports, such as github.com/anthropics/claude-code/issues/49219."""
_BETWEEN_TOOLS: Final = (
    'To turn thinking off on this model, send "thinking": {"type": "between_tools"} instead of {"type": "disabled"}. '
    "The model does not think before responding. The short updates it writes between tool calls come back as "
    "thinking blocks."
)
_BUDGET_INSTEAD: Final = (
    'Thinking defaults to adaptive mode when not specified; use "thinking.type.enabled" with "budget_tokens" for '
    "extended thinking."
)
_NOT_ADAPTIVE: Final = "adaptive thinking is not supported on this model"
"""Quoted in github.com/mnfst/llm-gateway/pull/1928."""
_NO_EFFORT: Final = "This model does not support the effort parameter."
_NO_LEVEL: Final = "This model does not support effort level '{}'. Supported levels: {}."
_TOO_MUCH_EFFORT: Final = (
    "output_config.effort '{}' is not supported when thinking is disabled on this model. Use effort 'high' or below, "
    "or enable thinking."
)
_WITHOUT_THINKING: Final = ("low", "medium", "high")
"""The levels of effort without thinking before the response."""
_DEPRECATED: Final = "`{}` is deprecated for this model."
_ONE_OF_BOTH: Final = (
    "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
)
_ONE_SAMPLING: Final = re.compile(r"claude-(?:haiku-4-5|sonnet-4-5|opus-4-1)-")
"""The models that refuse two ways of sampling at once, by the provider's pages of migration."""
_NO_FORCED_TOOL: Final = 'tool_choice: type "tool" and "any" are not supported for this model.'
"""Quoted in github.com/can1357/oh-my-pi/issues/12939."""
_NO_TOOL_TYPES: Final = "'{}' does not support tool types: {}. Did you mean one of {}?"
_COMPUTER_TOOLS: Final = ("computer_20241022", "computer_20250124", "computer_20251124")
_OTHER_TOOLS: Final = (
    *("advisor_20260301", "bash_20250124", "browser_toolset_20260801"),
    *(f"code_execution_{date}" for date in (20250522, 20250825, 20260120, 20260521)),
    *("computer_toolset_20260801", "memory_20250818", "text_editor_20250728"),
    *("tool_search_tool_bm25_20251119", "tool_search_tool_regex_20251119"),
    *(f"web_fetch_{date}" for date in (20250910, 20260209, 20260309, 20260318)),
    *(f"web_search_{date}" for date in (20250305, 20260209, 20260318)),
)
"""The types of tools of `anthropic.types.beta.BetaToolUnionParam` that models with the toolset accept. Which of them
the message names is known of the first ones alone."""
_NO_SYSTEM_TURN: Final = "role 'system' is not supported on this model"
_PAUSED_BY: Final = frozenset({MCP_USE, "server_tool_use"})
_NO_PREFILL: Final = (
    "This model does not support assistant message prefill. The conversation must end with a user message."
)
"""Quoted in public reports, such as github.com/smallmain/vscode-unify-chat-provider/issues/249."""
_RAISED_OUTPUT: Final = re.compile(r"\boutput-(\d{1,4})k-")
"""The betas that raise the maximum of output tokens, such as `output-300k-2026-03-24` (`AnthropicBetaParam` of the
SDK, and `extends_max_output` of Pydantic AI). It is for the requests of a batch."""


def check_model(request: Request) -> Failure | None:
    """Return the failure of a valid request that a known model does not accept."""
    name = snapshot(request.fields["model"])
    model = known_model(name)
    message = None if model is None else _problem(request.fields, name, model, request)
    return None if message is None else Failure("bad_request", message=message)


def check_hosted_model(request: Request, name: str, *, has_computer_tool: bool) -> Failure | None:
    """Return the failure of a valid request to another platform. `has_computer_tool`: whether the platform accepts
    the old computer tools for all models. Its words for too many tokens are unknown here."""
    fields, name = request.fields, snapshot(name)
    model = known_model(name)
    if model is None:
        return None
    message = (
        _settings_problem(fields, name, model)
        or (None if has_computer_tool else _tool_types_problem(fields, name, model))
        or _conversation_problem(fields, model, request)
    )
    return None if message is None else Failure("bad_request", message=message)


def settings_problem(fields: Mapping[str, Json], name: str) -> str | None:
    """Return the message for the first of the settings that a known model refuses: thinking, sampling, and a forced
    tool. None where there is none."""
    name = snapshot(name)
    model = known_model(name)
    return None if model is None else _settings_problem(fields, name, model)


def check_counted_model(request: Request) -> Failure | None:
    """Return the failure of a request whose tokens are counted, and whose model accepts no forced tool."""
    model = known_model(snapshot(request.fields["model"]))
    if model is None or not _forces_refused_tool(request.fields, model):
        return None
    return Failure("bad_request", message=_NO_FORCED_TOOL)


def _problem(fields: Mapping[str, Json], name: str, model: KnownModel, request: Request) -> str | None:
    max_tokens = _most_tokens(model, request)
    if fields["max_tokens"] > max_tokens:
        return _MAX_TOKENS.format(fields["max_tokens"], max_tokens, name)
    return (
        _settings_problem(fields, name, model)
        or _tool_types_problem(fields, name, model)
        or _conversation_problem(fields, model, request)
    )


def _settings_problem(fields: Mapping[str, Json], name: str, model: KnownModel) -> str | None:
    return (
        _thinking_problem(fields, model)
        or _sampling_problem(fields, name, model)
        or (_NO_FORCED_TOOL if _forces_refused_tool(fields, model) else None)
    )


def _most_tokens(model: KnownModel, request: Request) -> int:
    if not model.long_batches or BATCH_HEADER not in request.headers:
        return model.max_tokens
    raised = _RAISED_OUTPUT.findall(request.headers.get("anthropic-beta", ""))
    return max([model.max_tokens, *(1_000 * int(thousands) for thousands in raised)])


def _thinking_problem(fields: Mapping[str, Json], model: KnownModel) -> str | None:
    kind = (fields.get("thinking") or {}).get("type")
    if kind == "enabled" and not model.enabled:
        return f"{_NO_TYPE.format(kind)} {_USE_ADAPTIVE}"
    if kind == "adaptive" and not model.adaptive:
        return _NOT_ADAPTIVE
    if kind == "between_tools" and model.disabled != "between_tools":
        return _NO_TYPE.format(kind)
    if kind == "disabled" and model.disabled == "between_tools":
        return _BETWEEN_TOOLS
    if kind == "disabled" and model.disabled == "never":
        return f"{_NO_TYPE.format(kind)} {_BUDGET_INSTEAD if model.enabled else _USE_ADAPTIVE}"
    effort = (fields.get("output_config") or {}).get("effort")
    if effort is None:
        return None
    if not model.efforts:
        return _NO_EFFORT
    if effort not in model.efforts:
        return _NO_LEVEL.format(effort, ", ".join(sorted(model.efforts)))
    is_limited = kind in ("disabled", "between_tools") and model.disabled != "always"
    return _TOO_MUCH_EFFORT.format(effort) if is_limited and effort not in _WITHOUT_THINKING else None


def _sampling_problem(fields: Mapping[str, Json], name: str, model: KnownModel) -> str | None:
    """Return the refusal of `temperature`, `top_p` and `top_k`. The default temperature is accepted (measured in 2026
    with eleven models for the project `aimon`), and no value of the others is."""
    if not model.sampling:
        if fields.get("temperature") not in (None, 1):
            return _DEPRECATED.format("temperature")
        return next(
            (_DEPRECATED.format(key) for key in ("top_p", "top_k") if fields.get(key) is not None), None
        )
    both = fields.get("temperature") is not None and fields.get("top_p") is not None
    return _ONE_OF_BOTH if both and _ONE_SAMPLING.match(name) else None


def _forces_refused_tool(fields: Mapping[str, Json], model: KnownModel) -> bool:
    return not model.forced_tools and (fields.get("tool_choice") or {}).get("type") in ("any", "tool")


def _tool_types_problem(fields: Mapping[str, Json], name: str, model: KnownModel) -> str | None:
    if model.computer_tool:
        return None
    kinds = [kind for tool in fields.get("tools") or [] if (kind := tool.get("type")) in _COMPUTER_TOOLS]
    return _NO_TOOL_TYPES.format(name, ", ".join(kinds), ", ".join(_OTHER_TOOLS)) if kinds else None


def _conversation_problem(fields: Mapping[str, Json], model: KnownModel, request: Request) -> str | None:
    messages = fields["messages"]
    # where the word is the name of a field only, no search is needed
    may_have = not model.system_turns and request.occurrences(b'"system"') > ("system" in fields)
    if may_have and any(message["role"] == "system" for message in messages):
        return _NO_SYSTEM_TURN
    # the token permits the text of the model that refused (`fallback_credit_token` in the SDK's types)
    permitted = not model.adaptive or fields.get("fallback_credit_token")
    return None if permitted or not _is_prefilled(messages) else _NO_PREFILL


def _is_prefilled(messages: Sequence[dict[str, Json]]) -> bool:
    """Return whether the last message begins the text of the response. A turn with a server's tools may be a paused
    one that goes on."""
    last = messages[-1]
    if last["role"] != "assistant" or _kinds(last)[-1:] != ["text"]:
        return False
    turn = takewhile(lambda message: message["role"] != "user", reversed(messages))
    return _PAUSED_BY.isdisjoint(kind for message in turn for kind in _kinds(message))


def _kinds(message: dict[str, Json]) -> list[str]:
    """Return the types of the blocks."""
    content = message["content"]
    if type(content) is str:
        return ["text"] if content else []
    return [block["type"] for block in content]
