"""POST /v1/agents/completions: a chat whose agent has the model, the instructions and the tools.

From `AgentsCompletionRequest` of the `mistralai` package (3.7). An agent that this server does not have passes, as
any name of a model does: its id is then the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.request import Message, Request, TextPart, Tool, estimate_input
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.mistral.agents import arguments
from mockllm.dialects.mistral.agents.agent import agent_settings, merged_settings, read_tools
from mockllm.dialects.mistral.request import openai_request
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.chat.check import check_body
from mockllm.dialects.openai.chat.field_checks import FIELDS as CHAT_FIELDS
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.validators import Check, check_fields, check_readable, check_required, string
from mockllm.dialects.vendors.chat import VendorChat

AGENT: Final[Mapping[str, Check]] = {"agent_id": string}
TOOL_CHOICE: Final[Mapping[str, Check]] = {"tool_choice": CHAT_FIELDS["tool_choice"]}
FIELDS: Final = frozenset({
    "agent_id", "frequency_penalty", "guardrails", "logprobs", "max_tokens", "messages", "metadata", "min_tokens",
    "n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "prompt_logprobs",
    "prompt_mode", "random_seed", "reasoning_effort", "repetition_penalty", "response_format", "service_tier", "stop",
    "stream", "tool_choice", "tools", "top_k", "top_logprobs", "top_prompt_logprobs",
})  # fmt: skip


class AgentCompletionRequest(ChatRequest):
    """A request to an agent."""

    api = "agent_completions"
    documented_fields = FIELDS
    documents_vendor_fields = True
    shared_attributes = ()  # the stored agent has tools and settings, too

    @cached_property
    def agent(self) -> dict[str, Json]:
        """The settings of the agent."""
        return merged_settings(agent_settings(self.fields.get("agent_id"), None, self.object_lookup))

    @cached_property
    def model(self) -> str | None:
        return text_of(self.agent.get("model")) or text_of(self.fields.get("agent_id"))

    @cached_property
    def plain_messages(self) -> None:
        return

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        instructions, own = text_of(self.agent.get("instructions")), super().messages
        return own if instructions is None else (Message("system", (TextPart(instructions),)), *own)

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return (*read_tools(self.agent), *super().tools)

    @cached_property
    def tool_choice(self) -> ToolChoice:
        if self.fields.get("tool_choice") is not None:
            return super().tool_choice
        return arguments.tool_choice(self.agent["completion_args"])

    @cached_property
    def response_format(self) -> Format:
        if self.fields.get("response_format") is not None:
            return super().response_format
        return arguments.response_format(self.agent["completion_args"])

    @cached_property
    def output_bounds(self) -> OutputBounds:
        agent, own = arguments.output_bounds(self.agent["completion_args"]), super().output_bounds
        return own._replace(stop=own.stop or agent.stop, max_tokens=own.max_tokens or agent.max_tokens)

    @cached_property
    def input_tokens(self) -> int:
        return estimate_input(self)


class AgentCompletions(VendorChat):
    """A chat with an agent."""

    api = "agent_completions"
    request_class = AgentCompletionRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, AgentCompletionRequest)
        fields = request.fields
        failure = check_readable(request) or check_required(fields, "agent_id") or check_fields(fields, AGENT)
        if failure is not None:
            return failure
        own = {name: fields[name] for name in fields if name != "agent_id"}
        chat = openai_request({"model": self.vendor.model, **own})
        if chat.get("tool_choice") is not None and request.agent.get("tools") != []:
            # the tools may be those of the agent, so the body alone does not have to have them
            failure = check_fields(chat, TOOL_CHOICE)
            del chat["tool_choice"]
        return failure or check_body(chat)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        built = super().build_request(request)
        body = {"agent_id" if name == "model" else name: value for name, value in built.body.items()}
        return replace(built, path=self.vendor.path("/agents/completions"), body=body)
