"""Mistral: the calls that its `Vendor` describes, and its own: FIM, classifiers, OCR, audio, files,
batch jobs, agents and conversations."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.dialects.mistral.agents.agent_calls import (
    CreateAgent,
    DeleteAgent,
    DeleteAgentAlias,
    GetAgent,
    GetAgentVersion,
    ListAgentAliases,
    ListAgentPages,
    ListAgents,
    ListAgentVersions,
    SetAgentAlias,
    SwitchAgentVersion,
    UpdateAgent,
)
from mockllm.dialects.mistral.agents.completions import AgentCompletions
from mockllm.dialects.mistral.batches import (
    MistralCancelJob,
    MistralCreateJob,
    MistralDeleteJob,
    MistralGetJob,
    MistralJobs,
)
from mockllm.dialects.mistral.chat import MistralChat
from mockllm.dialects.mistral.classifiers import (
    ChatClassifications,
    ChatModerations,
    Classifications,
    MistralModerations,
)
from mockllm.dialects.mistral.conversations.dialect import (
    AppendToConversation,
    RestartConversation,
    StartConversation,
)
from mockllm.dialects.mistral.conversations.stored_calls import (
    ConversationHistory,
    ConversationMessages,
    ListConversations,
    MistralDeleteConversation,
    MistralGetConversation,
)
from mockllm.dialects.mistral.embeddings import MistralEmbeddings
from mockllm.dialects.mistral.files import (
    MistralDeleteFile,
    MistralFile,
    MistralFileContent,
    MistralFiles,
    MistralFileUrl,
    MistralUploadFile,
)
from mockllm.dialects.mistral.fim import Fim
from mockllm.dialects.mistral.ocr import Ocr
from mockllm.dialects.mistral.speech import MistralSpeech
from mockllm.dialects.mistral.transcription import MistralTranscriptions
from mockllm.dialects.mistral.unknown_fields import refuse_inexact
from mockllm.dialects.mistral.vendor import VENDOR
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.vendors import provider_of

_compatible = provider_of(VENDOR)
_OWN: Final = {"chat": MistralChat(VENDOR), "embeddings": MistralEmbeddings(VENDOR)}
"""The calls of the vendor that have rules or parameters of Mistral, by id."""
_compatible_routes = tuple(
    route._replace(call=replace(route.call, dialect=_OWN[route.call.id])) if route.call.id in _OWN else route
    for route in _compatible.routes
)
_unlimited = replace(
    VENDOR,
    headers={name: value for name, value in VENDOR.headers.items() if not name.startswith("x-ratelimit")},
)
"""The vendor of the calls on stored objects: their responses have no headers of limits, as recorded of files and
batch jobs."""


OPERATION: Final = "chat"


def _own_routes() -> tuple[ProviderRoute, ...]:
    # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `chat`
    fim = ProviderCall("fim", Fim(VENDOR), operation="text_completion", from_neutral_request=False)
    ocr = ProviderCall("ocr", Ocr(VENDOR), from_neutral_request=False)
    return (
        ProviderRoute("POST", "/v1/fim/completions", fim),
        ProviderRoute("POST", "/v1/ocr", ocr),
        ProviderRoute(
            "POST", "/v1/audio/transcriptions", ProviderCall("transcriptions", MistralTranscriptions(VENDOR))
        ),
        ProviderRoute("POST", "/v1/audio/speech", ProviderCall("speech", MistralSpeech(VENDOR))),
        ProviderRoute("POST", "/v1/moderations", ProviderCall("moderations", MistralModerations(VENDOR))),
        ProviderRoute(
            "POST", "/v1/chat/moderations", ProviderCall("chat_moderations", ChatModerations(VENDOR))
        ),
        ProviderRoute(
            "POST", "/v1/classifications", ProviderCall("classifications", Classifications(VENDOR))
        ),
        ProviderRoute(
            "POST",
            "/v1/chat/classifications",
            ProviderCall("chat_classifications", ChatClassifications(VENDOR)),
        ),
    )


def _conversation_routes() -> tuple[ProviderRoute, ...]:
    """Return the calls that generate, of conversations and of agents."""
    one = "/v1/conversations/{conversation}"
    calls = (
        ("/v1/conversations", "conversations", StartConversation),
        (one, "append_conversation", AppendToConversation),
        (f"{one}/restart", "restart_conversation", RestartConversation),
        ("/v1/agents/completions", "agent_completions", AgentCompletions),
    )
    return tuple(
        ProviderRoute(
            "POST", path, ProviderCall(id, dialect(VENDOR), operation=OPERATION, from_neutral_request=False)
        )
        for path, id, dialect in calls
    )


def _stored_routes() -> tuple[ProviderRoute, ...]:
    """Return the calls on files, batch jobs, conversations and agents."""
    file, job = "/v1/files/{file}", "/v1/batch/jobs/{job}"
    conversation, agent = "/v1/conversations/{conversation}", "/v1/agents/{agent}"
    calls = (
        ("POST", "/v1/files", "files", MistralUploadFile),
        ("GET", "/v1/files", "list_files", MistralFiles),
        ("GET", file, "get_file", MistralFile),
        ("DELETE", file, "delete_file", MistralDeleteFile),
        ("GET", f"{file}/content", "file_content", MistralFileContent),
        ("GET", f"{file}/url", "file_url", MistralFileUrl),
        ("POST", "/v1/batch/jobs", "batches", MistralCreateJob),
        ("GET", "/v1/batch/jobs", "list_batches", MistralJobs),
        ("GET", job, "get_batch", MistralGetJob),
        ("DELETE", job, "delete_batch", MistralDeleteJob),
        ("POST", f"{job}/cancel", "cancel_batch", MistralCancelJob),
        ("GET", "/v1/conversations", "list_conversations", ListConversations),
        ("GET", conversation, "get_conversation", MistralGetConversation),
        ("DELETE", conversation, "delete_conversation", MistralDeleteConversation),
        ("GET", f"{conversation}/history", "conversation_history", ConversationHistory),
        ("GET", f"{conversation}/messages", "conversation_messages", ConversationMessages),
        ("POST", "/v1/agents", "agents", CreateAgent),
        ("GET", "/v1/agents", "list_agents", ListAgents),
        ("GET", "/v1/agents/pages", "list_agent_pages", ListAgentPages),
        ("GET", agent, "get_agent", GetAgent),
        ("PATCH", agent, "update_agent", UpdateAgent),
        ("DELETE", agent, "delete_agent", DeleteAgent),
        ("PATCH", f"{agent}/version", "switch_agent_version", SwitchAgentVersion),
        ("GET", f"{agent}/versions", "list_agent_versions", ListAgentVersions),
        ("GET", f"{agent}/versions/{{version}}", "get_agent_version", GetAgentVersion),
        ("PUT", f"{agent}/aliases", "set_agent_alias", SetAgentAlias),
        ("GET", f"{agent}/aliases", "list_agent_aliases", ListAgentAliases),
        ("DELETE", f"{agent}/aliases", "delete_agent_alias", DeleteAgentAlias),
    )
    return tuple(
        ProviderRoute(method, path, ProviderCall(id, dialect(_unlimited)))
        for method, path, id, dialect in calls
    )


UNSERVED: Final = (
    *(
        f"/v1/{name}"
        for name in (
            "audio", "client", "connectors", "context", "fine_tuning", "libraries", "observability", "rag",
            "responses", "service-accounts", "triggers", "users", "webhooks", "whoami", "workflows",
        )
    ),
    *(f"/v2/{name}" for name in ("audio", "prompts", "skills")),
)  # fmt: skip
"""The starts of the paths of Mistral's other calls (SDK: the paths of `mistralai.client`)."""
PROVIDER: Final[Provider] = replace(
    _compatible,
    routes=(*_compatible_routes, *_own_routes(), *_conversation_routes(), *_stored_routes()),
    unserved=UNSERVED,
    refuse_inexact=refuse_inexact,
)
PROVIDERS: Final = (PROVIDER,)
