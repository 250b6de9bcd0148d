"""Requests that begin, continue or restart a conversation. No property raises on any JSON."""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.read_turns import read_turns
from mockllm.core.request.request import Message, TextPart, Tool
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.stored_history import is_long_history
from mockllm.core.request.stored_objects import StoredObject
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.mistral.agents import arguments
from mockllm.dialects.mistral.agents.agent import agent_settings, merged_settings, read_tools
from mockllm.dialects.mistral.conversations.conversation import (
    entries_of,
    entries_to,
    settings_of,
    stored_conversation,
)
from mockllm.dialects.mistral.conversations.entries import add_entry, read_inputs
from mockllm.dialects.openai.request_fields import ModelRequest

API: Final = "agent_conversations"
COMMON_FIELDS: Final = frozenset({"inputs", "stream", "store", "handoff_execution", "completion_args"})

RESTARTED_WITH: Final = ("guardrails", "metadata", "agent_version")
"""The fields of a restart that replace those of the conversation."""


class MistralConversationRequest(ModelRequest):
    """POST /v1/conversations: begins a conversation with a model or with an agent."""

    api = API
    generates = True
    documents_vendor_fields = True
    documented_fields = COMMON_FIELDS | {
        *("instructions", "tools", "guardrails", "name", "description"),
        *("metadata", "agent_id", "agent_version", "model"),
    }

    @property
    def may_be_stored(self) -> bool:
        return self.fields.get("store") is not False

    @cached_property
    def conversation(self) -> StoredObject | None:
        """The conversation that the path names."""
        return None

    @cached_property
    def begun_with(self) -> dict[str, Json]:
        """The fields with which the conversation began."""
        return self.fields

    @cached_property
    def earlier(self) -> list[dict[str, Json]]:
        """The entries before the inputs."""
        return []

    @property
    def continued_id(self) -> str | None:
        """The id of the conversation that goes on; None where a new one begins."""
        return None

    @cached_property
    def inputs(self) -> list[dict[str, Json]]:
        """The entries of the request."""
        return read_inputs(self.fields.get("inputs"))

    @cached_property
    def agent_id(self) -> str | None:
        return text_of(self.begun_with.get("agent_id"))

    @cached_property
    def settings(self) -> dict[str, Json]:
        """The settings of the agent, those of the conversation and those of the request."""
        agent = agent_settings(self.agent_id, self.begun_with.get("agent_version"), self.object_lookup)
        own = {"completion_args": self.fields.get("completion_args")}
        return merged_settings(agent, self.begun_with, own)

    @cached_property
    def model(self) -> str | None:
        return text_of(self.settings.get("model")) or self.agent_id

    @cached_property
    def conversation_name(self) -> str | None:
        return None if self.conversation is None else self.conversation.conversation_name

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        instructions = text_of(self.settings.get("instructions"))
        read = read_turns([*self.earlier, *self.inputs], add_entry, self.object_lookup).messages
        return (*(() if instructions is None else (Message("system", (TextPart(instructions),)),)), *read)

    @cached_property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(read_tools(self.settings))

    @cached_property
    def tool_choice(self) -> ToolChoice:
        return arguments.tool_choice(self.settings["completion_args"])

    @cached_property
    def response_format(self) -> Format:
        return arguments.response_format(self.settings["completion_args"])

    @cached_property
    def output_bounds(self) -> OutputBounds:
        return arguments.output_bounds(self.settings["completion_args"])


class AppendRequest(MistralConversationRequest):
    """POST /v1/conversations/{id}: continues a conversation."""

    documented_fields = COMMON_FIELDS | {"tool_confirmations"}

    @cached_property
    def conversation(self) -> StoredObject | None:
        return stored_conversation(self.path_variables.get("conversation", ""), self.object_lookup)

    @property
    def history_is_long(self) -> bool:
        return self.conversation is not None and is_long_history([self.conversation])

    @cached_property
    def begun_with(self) -> dict[str, Json]:
        return {} if self.conversation is None else settings_of(self.conversation)

    @cached_property
    def earlier(self) -> list[dict[str, Json]]:
        return [] if self.conversation is None else entries_of(self.conversation)

    @property
    def continued_id(self) -> str | None:
        return self.path_variables.get("conversation")


class RestartRequest(AppendRequest):
    """POST /v1/conversations/{id}/restart: begins a conversation with the entries up to one of another."""

    documented_fields = COMMON_FIELDS | {"from_entry_id", *RESTARTED_WITH}

    @cached_property
    def begun_with(self) -> dict[str, Json]:
        before = {} if self.conversation is None else settings_of(self.conversation)
        own = {name: self.fields[name] for name in RESTARTED_WITH if self.fields.get(name) is not None}
        return {**before, **own}

    @cached_property
    def restarted(self) -> list[dict[str, Json]] | None:
        """The entries up to the one that the request names; None where there is no such entry."""
        if self.conversation is None:
            return None
        return entries_to(self.conversation, self.fields.get("from_entry_id"))

    @cached_property
    def earlier(self) -> list[dict[str, Json]]:
        return self.restarted or []

    @property
    def continued_id(self) -> str | None:
        return None
