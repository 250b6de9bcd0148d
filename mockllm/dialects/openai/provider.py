"""OpenAI's calls: chat completions, responses, legacy completions, embeddings, moderations, models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.dialect import Dialect
from mockllm.dialects.openai.batches.batch_calls import CancelBatch, CreateBatch, GetBatch, ListBatches
from mockllm.dialects.openai.calls_of_bodies import is_completions_body, is_embeddings_body, is_responses_body
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.chat.stored_calls import ChatMessages, DeleteChat, GetChat, ListChat, UpdateChat
from mockllm.dialects.openai.completions import Completions
from mockllm.dialects.openai.embeddings import OpenAiEmbeddings
from mockllm.dialects.openai.errors import refused
from mockllm.dialects.openai.files.file_calls import (
    DeleteFile,
    GetFile,
    GetFileContent,
    ListFiles,
    UploadFile,
)
from mockllm.dialects.openai.files.uploads import AddUploadPart, CancelUpload, CompleteUpload, CreateUpload
from mockllm.dialects.openai.handshake import Handshake, VoiceHandshake
from mockllm.dialects.openai.headers import limits
from mockllm.dialects.openai.media.images import (
    PATH,
    ImageEdits,
    ImageFile,
    ImageGenerations,
    ImageVariations,
)
from mockllm.dialects.openai.media.speech import Speech
from mockllm.dialects.openai.media.stored_videos import DeleteVideo, GetVideo, ListVideos, VideoContent
from mockllm.dialects.openai.media.transcription import Transcriptions, Translations
from mockllm.dialects.openai.media.videos import VideoEdits, VideoRemix, Videos
from mockllm.dialects.openai.models import WELL_KNOWN, OpenAiModels
from mockllm.dialects.openai.moderations import Moderations
from mockllm.dialects.openai.prices import PRICES
from mockllm.dialects.openai.prompt_cache import prompt_cache_policy
from mockllm.dialects.openai.realtime.client_secrets import ClientSecrets
from mockllm.dialects.openai.realtime.dialect import Realtime, Transcription
from mockllm.dialects.openai.realtime.session import (
    DEFAULT_REALTIME_MODEL,
    RESPONSE,
    TRANSCRIBE,
    RealtimeSession,
)
from mockllm.dialects.openai.realtime.settings import TRANSCRIPTION as TRANSCRIPTION_SESSION
from mockllm.dialects.openai.responses.conversations import (
    AddConversationItems,
    CreateConversation,
    DeleteConversation,
    DeleteConversationItem,
    GetConversation,
    GetConversationItem,
    ListConversationItems,
    UpdateConversation,
)
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.input_calls import Compact, InputTokens
from mockllm.dialects.openai.responses.stored_calls import (
    CancelResponse,
    DeleteResponse,
    GetResponse,
    InputItems,
)
from mockllm.dialects.openai.responses.websocket import (
    CREATE,
    WARM_UP,
    ResponsesSession,
    ResponsesWebSocket,
    WarmUp,
)
from mockllm.dialects.openai.unknown_fields import refuse_inexact
from mockllm.dialects.openai.vector_stores.served_calls import ROUTES as VECTOR_STORES
from mockllm.dialects.openai.webhooks import (
    CreateEndpoint,
    DeleteEndpoint,
    EndpointCall,
    EventTypes,
    ListEndpoints,
    RotateSecret,
    TestEndpoint,
    UpdateEndpoint,
)
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute, ProviderWebSocket
from mockllm.dialects.telemetry_fields import TelemetryFields

LIST_CHAT: Final = ListChat()
GET_CHAT: Final = GetChat()
UPDATE_CHAT: Final = UpdateChat()
DELETE_CHAT: Final = DeleteChat()
CHAT_MESSAGES: Final = ChatMessages()
INPUT_TOKENS: Final = InputTokens()
COMPACT: Final = Compact()
GET_RESPONSE: Final = GetResponse()
DELETE_RESPONSE: Final = DeleteResponse()
CANCEL_RESPONSE: Final = CancelResponse()
INPUT_ITEMS: Final = InputItems()
COMPLETIONS: Final = Completions()
EMBEDDINGS: Final = OpenAiEmbeddings()
MODERATIONS: Final = Moderations()
MODELS: Final = OpenAiModels()
IMAGES: Final = ImageGenerations()
TRANSCRIPTIONS: Final = Transcriptions()
VIDEOS: Final = Videos()


_chat = ProviderCall(
    "chat",
    CHAT,
    operation="chat",
    title="OpenAI: chat, completions, embeddings, models, moderations, images, audio",
    sdk_types=("openai.types.chat:ChatCompletion", "openai.types.chat:ChatCompletionChunk"),
    python_call=("openai", "OpenAI", "chat.completions.create"),
    body_fields=("messages",),
)
_responses = ProviderCall(
    "responses",
    RESPONSES,
    operation="chat",
    title="OpenAI: responses",
    sdk_types=("openai.types.responses:Response", "openai.types.responses:ResponseStreamEvent"),
    python_call=("openai", "OpenAI", "responses.create"),
    body_fields=("input",),
    recognizes_body=is_responses_body,
)
_completions = ProviderCall(
    "completions",
    COMPLETIONS,
    operation="text_completion",
    sdk_types=("openai.types:Completion",) * 2,
    body_fields=("prompt",),
    recognizes_body=is_completions_body,
)
_embeddings = ProviderCall(
    "embeddings",
    EMBEDDINGS,
    operation="embeddings",
    sdk_types=("openai.types:CreateEmbeddingResponse",) * 2,
    python_call=("openai", "OpenAI", "embeddings.create"),
    recognizes_body=is_embeddings_body,
)
_moderations = ProviderCall(
    "moderations", MODERATIONS, sdk_types=("openai.types:ModerationCreateResponse",) * 2
)
_models = ProviderCall("models", MODELS)
_stored_chat, _stored_response = "/v1/chat/completions/{completion}", "/v1/responses/{response}"
_one_file, _one_batch = "/v1/files/{file}", "/v1/batches/{batch}"
_one_upload, _upload = "/v1/uploads/{upload}", ("openai.types:Upload",) * 2
_file, _batch = ("openai.types:FileObject",) * 2, ("openai.types:Batch",) * 2
_one_conversation = "/v1/conversations/{conversation}"
_one_item = f"{_one_conversation}/items/{{item}}"


_one_endpoint = "/v1/webhook_endpoints/{endpoint}"


def _webhooks(name: str, dialect: Dialect) -> ProviderCall:
    return ProviderCall(f"webhook_{name}", dialect)


def _conversation(name: str, dialect: Dialect) -> ProviderCall:
    return ProviderCall(f"conversation_{name}", dialect)


_images = ProviderCall(
    "images",
    IMAGES,
    operation="generate_content",
    sdk_types=("openai.types:ImagesResponse", "openai.types:ImageGenStreamEvent"),
    python_call=("openai", "OpenAI", "images.generate"),
)
_image_edits = ProviderCall(
    "image_edits",
    ImageEdits(),
    sdk_types=("openai.types:ImagesResponse", "openai.types:ImageEditStreamEvent"),
)
_transcriptions = ProviderCall(
    "transcriptions",
    TRANSCRIPTIONS,
    sdk_types=(
        "openai.types.audio:TranscriptionCreateResponse",
        "openai.types.audio:TranscriptionStreamEvent",
    ),
)
_media: Final = (
    ProviderRoute("POST", "/v1/images/generations", _images),
    ProviderRoute("POST", "/v1/images/edits", _image_edits),
    ProviderRoute("POST", "/v1/images/variations", ProviderCall("image_variations", ImageVariations())),
    ProviderRoute("GET", f"{PATH}{{name}}", ProviderCall("image_files", ImageFile())),
    ProviderRoute("POST", "/v1/audio/speech", ProviderCall("speech", Speech())),
    ProviderRoute("POST", "/v1/audio/transcriptions", _transcriptions),
    ProviderRoute("POST", "/v1/audio/translations", ProviderCall("translations", Translations())),
    ProviderRoute("POST", "/v1/videos", ProviderCall("videos", VIDEOS)),
    ProviderRoute("POST", "/v1/videos/(edits|extensions)", ProviderCall("video_edits", VideoEdits())),
    ProviderRoute("GET", "/v1/videos", ProviderCall("list_videos", ListVideos())),
    ProviderRoute("GET", "/v1/videos/{video}", ProviderCall("get_video", GetVideo())),
    ProviderRoute("DELETE", "/v1/videos/{video}", ProviderCall("delete_video", DeleteVideo())),
    ProviderRoute("GET", "/v1/videos/{video}/content", ProviderCall("video_content", VideoContent())),
    ProviderRoute("POST", "/v1/videos/{video}/remix", ProviderCall("video_remix", VideoRemix())),
)

_routes: Final = (
    ProviderRoute("POST", "/v1/chat/completions", _chat),
    ProviderRoute("GET", "/v1/chat/completions", ProviderCall("list_chat", LIST_CHAT)),
    ProviderRoute("GET", _stored_chat, ProviderCall("get_chat", GET_CHAT)),
    ProviderRoute("POST", _stored_chat, ProviderCall("update_chat", UPDATE_CHAT)),
    ProviderRoute("DELETE", _stored_chat, ProviderCall("delete_chat", DELETE_CHAT)),
    ProviderRoute("GET", f"{_stored_chat}/messages", ProviderCall("chat_messages", CHAT_MESSAGES)),
    ProviderRoute("POST", "/v1/responses", _responses),
    ProviderRoute("POST", "/v1/responses/input_tokens", ProviderCall("input_tokens", INPUT_TOKENS)),
    ProviderRoute("POST", "/v1/responses/compact", ProviderCall("compact", COMPACT)),
    ProviderRoute("GET", _stored_response, ProviderCall("get_response", GET_RESPONSE)),
    ProviderRoute("DELETE", _stored_response, ProviderCall("delete_response", DELETE_RESPONSE)),
    ProviderRoute("POST", f"{_stored_response}/cancel", ProviderCall("cancel_response", CANCEL_RESPONSE)),
    ProviderRoute("GET", f"{_stored_response}/input_items", ProviderCall("input_items", INPUT_ITEMS)),
    ProviderRoute("POST", "/v1/conversations", _conversation("create", CreateConversation())),
    ProviderRoute("GET", _one_conversation, _conversation("get", GetConversation())),
    ProviderRoute("POST", _one_conversation, _conversation("update", UpdateConversation())),
    ProviderRoute("DELETE", _one_conversation, _conversation("delete", DeleteConversation())),
    ProviderRoute("GET", f"{_one_conversation}/items", _conversation("items", ListConversationItems())),
    ProviderRoute("POST", f"{_one_conversation}/items", _conversation("add_items", AddConversationItems())),
    ProviderRoute("GET", _one_item, _conversation("get_item", GetConversationItem())),
    ProviderRoute("DELETE", _one_item, _conversation("delete_item", DeleteConversationItem())),
    ProviderRoute("GET", "/v1/webhook_endpoints", _webhooks("list", ListEndpoints())),
    ProviderRoute("POST", "/v1/webhook_endpoints", _webhooks("create", CreateEndpoint())),
    ProviderRoute("GET", _one_endpoint, _webhooks("get", EndpointCall())),
    ProviderRoute("POST", _one_endpoint, _webhooks("update", UpdateEndpoint())),
    ProviderRoute("DELETE", _one_endpoint, _webhooks("delete", DeleteEndpoint())),
    ProviderRoute("POST", f"{_one_endpoint}/rotate_secret", _webhooks("rotate", RotateSecret())),
    ProviderRoute("POST", f"{_one_endpoint}/test", _webhooks("test", TestEndpoint())),
    ProviderRoute("GET", "/v1/webhook_event_types", _webhooks("event_types", EventTypes())),
    ProviderRoute("POST", "/v1/files", ProviderCall("files", UploadFile(), sdk_types=_file)),
    ProviderRoute("GET", "/v1/files", ProviderCall("list_files", ListFiles())),
    ProviderRoute("GET", _one_file, ProviderCall("get_file", GetFile(), sdk_types=_file)),
    ProviderRoute("DELETE", _one_file, ProviderCall("delete_file", DeleteFile())),
    ProviderRoute("GET", f"{_one_file}/content", ProviderCall("file_content", GetFileContent())),
    ProviderRoute("POST", "/v1/uploads", ProviderCall("uploads", CreateUpload(), sdk_types=_upload)),
    ProviderRoute("POST", f"{_one_upload}/parts", ProviderCall("upload_parts", AddUploadPart())),
    ProviderRoute("POST", f"{_one_upload}/complete", ProviderCall("complete_upload", CompleteUpload())),
    ProviderRoute("POST", f"{_one_upload}/cancel", ProviderCall("cancel_upload", CancelUpload())),
    ProviderRoute("POST", "/v1/batches", ProviderCall("batches", CreateBatch(), sdk_types=_batch)),
    ProviderRoute("GET", "/v1/batches", ProviderCall("list_batches", ListBatches())),
    ProviderRoute("GET", _one_batch, ProviderCall("get_batch", GetBatch(), sdk_types=_batch)),
    ProviderRoute("POST", f"{_one_batch}/cancel", ProviderCall("cancel_batch", CancelBatch())),
    *VECTOR_STORES,
    ProviderRoute("POST", "/v1/completions", _completions),
    ProviderRoute("POST", "/v1/embeddings", _embeddings),
    ProviderRoute("POST", "/v1/moderations", _moderations),
    ProviderRoute("DELETE", "/v1/models/{model}", _models),
    ProviderRoute("GET", "/v1/models", _models),
    ProviderRoute("GET", "/v1/models/{model}", _models),
    ProviderRoute("POST", "/v1/realtime/client_secrets", ProviderCall("client_secrets", ClientSecrets())),
    *_media,
)

UNSERVED: Final = tuple(
    f"/v1/{name}"
    for name in (
        "agents", "assistants", "audio", "chatkit", "containers",
        "content_provenance_checks", "decisions", "evals", "fine_tuning",
        "images", "live", "organization", "projects", "realtime", "safety", "skills", "threads",
        "vaults", "videos",
    )
)  # fmt: skip
"""The starts of the paths of OpenAI's other calls (SDK: the modules of `openai.resources`). Served paths below them
are routes."""

HANDSHAKE: Final = Handshake(lambda request, identity: ResponsesSession())
REALTIME_HANDSHAKE: Final = VoiceHandshake(
    lambda request, identity, script: RealtimeSession(
        identity.ids,
        request.query.get("model", DEFAULT_REALTIME_MODEL),
        identity.epoch_second,
        TRANSCRIPTION_SESSION if request.query.get("intent") == TRANSCRIPTION_SESSION else "realtime",
        script,
    )
)
REALTIME: Final = Realtime()
TRANSCRIPTION: Final = Transcription()
RESPONSES_WEBSOCKET: Final = ResponsesWebSocket()
_websockets: Final = (
    ProviderWebSocket(
        "/v1/responses",
        ProviderCall("responses_handshake", HANDSHAKE),
        (
            # `from_neutral_request=False`: a `NeutralRequest` becomes a request of `responses`
            (
                CREATE,
                ProviderCall(
                    "responses_socket", RESPONSES_WEBSOCKET, operation="chat", from_neutral_request=False
                ),
            ),
            (WARM_UP, ProviderCall("warm_up", WarmUp())),
        ),
    ),
    ProviderWebSocket(
        "/v1/realtime",
        ProviderCall("realtime_handshake", REALTIME_HANDSHAKE),
        (
            (RESPONSE, ProviderCall("realtime", REALTIME, operation="chat", from_neutral_request=False)),
            (TRANSCRIBE, ProviderCall("transcription", TRANSCRIPTION)),
        ),
    ),
)

RAW: Final = "finish_reason: {raw: …}"
WRITTEN: Final[Mapping[str, str]] = {
    "choices.*.finish_reason": RAW,
    "choices.*.message.content": "text",
    "choices.*.message.tool_calls": "tool_calls",
    "choices.*.message.refusal": "refusal",
    "choices.*.text": "text",
    "choices.*.delta": "events: {chunk: {choices: [{delta: …}]}}",
    "output": "parts, text or tool_calls",
    "status": RAW,
    "incomplete_details": RAW,
    "model": "model",
    "usage.prompt_tokens": "usage: {input_tokens: …}",
    "usage.completion_tokens": "usage: {output_tokens: …}",
    "usage.input_tokens": "usage: {input_tokens: …}",
    "usage.output_tokens": "usage: {output_tokens: …}",
    "usage.prompt_tokens_details.cached_tokens": "usage: {cached_tokens: …}",
    "usage.input_tokens_details.cached_tokens": "usage: {cached_tokens: …}",
    "usage.completion_tokens_details.reasoning_tokens": "usage: {reasoning_tokens: …}",
    "usage.output_tokens_details.reasoning_tokens": "usage: {reasoning_tokens: …}",
}
"""The members of responses that the server writes from a reply, by path, each with the word of the language for it.
`*` is each item of a list."""
TELEMETRY_FIELDS: Final = TelemetryFields(
    settings={
        name: ((name,),)
        for name in ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed")
    },
    response="response",
    id=("id",),
    model=("model",),
    choices="choices",
    finish=(("finish_reason",),),
    error=("code", "type"),
    input_tokens=(("usage", "prompt_tokens"),),
)
"""Those of vendors, too: several of them have `top_k`."""
PROVIDER: Final = Provider(
    name="openai",
    aliases=("chatgpt",),
    member_keys=WRITTEN,
    telemetry_fields=TELEMETRY_FIELDS,
    title="OpenAI",
    routes=_routes,
    websockets=_websockets,
    base="/v1",
    base_url_shown=True,
    routes_in_404=True,
    unserved=UNSERVED,
    unserved_fields={"code": "not_served"},
    refuse_inexact=refuse_inexact,
    known_models=frozenset(WELL_KNOWN),
    limit_headers=limits,
    limit_refusal=refused,
    parameter_field="param",
    prices=PRICES,
    prompt_cache_policy=prompt_cache_policy,
    base_url_variables=("OPENAI_BASE_URL", "OPENAI_API_BASE"),  # the second one: older SDKs, LangChain
    key_variables=("OPENAI_API_KEY",),
    unprefixed_hosts=("api.openai.com",),
)
PROVIDERS: Final = (PROVIDER,)
