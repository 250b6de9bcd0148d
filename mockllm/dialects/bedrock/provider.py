"""Amazon Bedrock: Converse, InvokeModel with the bodies of the model providers, embeddings, token counts and the
lists of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.bedrock.converse import Converse
from mockllm.dialects.bedrock.converse_request import is_converse_body
from mockllm.dialects.bedrock.embeddings import EMBEDDING_MODELS, BedrockEmbeddings
from mockllm.dialects.bedrock.invoke import Invoke
from mockllm.dialects.bedrock.lookups import (
    KNOWN_MODELS,
    BedrockCountTokens,
    FoundationModels,
    InferenceProfiles,
)
from mockllm.dialects.bedrock.prompt_cache import prompt_cache_policy
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute
from mockllm.dialects.telemetry_fields import TelemetryFields

CONVERSE: Final = Converse()
INVOKE: Final = Invoke()
COUNT: Final = BedrockCountTokens()
MODELS: Final = FoundationModels()
"""The calls for the list and for one model."""
PROFILES: Final = InferenceProfiles()


def _routes() -> tuple[ProviderRoute, ...]:
    converse = ProviderCall(
        "converse",
        CONVERSE,
        operation="chat",
        title="Amazon Bedrock",
        body_fields=("inferenceConfig", "toolConfig"),
    )
    invoke = ProviderCall("invoke", INVOKE, operation="chat")
    embeddings = ProviderCall("embeddings", BedrockEmbeddings(), operation="embeddings")
    models, profiles = ProviderCall("models", MODELS), ProviderCall("inference_profiles", PROFILES)
    return (
        ProviderRoute("POST", "/model/{model}/(converse|converse-stream)", converse),
        ProviderRoute("POST", "/model/{model}/(invoke|invoke-with-response-stream)", invoke),
        # Fits the path before it, too: it follows, so that it is chosen.
        ProviderRoute(
            "POST",
            "/model/{maker}.(titan-embed|embed|nova-2-multimodal-embeddings)-{variant}/invoke",
            embeddings,
        ),
        ProviderRoute("POST", "/model/{model}/count-tokens", ProviderCall("count_tokens", COUNT)),
        ProviderRoute("GET", "/foundation-models", models),
        ProviderRoute("GET", "/foundation-models/{model}", models),
        ProviderRoute("GET", "/inference-profiles", profiles),
        ProviderRoute("GET", "/inference-profiles/{model}", profiles),
    )


WRITTEN: Final[Mapping[str, str]] = {
    "output": "parts, text or tool_calls",
    "stopReason": "finish_reason: {raw: …}",
    "usage.inputTokens": "usage: {input_tokens: …}",
    "usage.outputTokens": "usage: {output_tokens: …}",
}
"""The members of responses that the server writes from a reply, by path, each with the word of the language for it.
`*` is each item of a list."""
UNSERVED: Final = tuple(
    f"/{name}"
    for name in (
        "advanced-prompt-optimization-job", "advanced-prompt-optimization-jobs", "async-invoke",
        "automated-reasoning-policies", "create-foundation-model-agreement", "custom-models", "data-retention",
        "delete-foundation-model-agreement", "enforcedGuardrailsConfiguration", "evaluation-job", "evaluation-jobs",
        "foundation-model-availability", "guardrail", "guardrail-checks", "guardrails", "imported-models",
        "list-foundation-model-agreement-offers", "listTagsForResource", "logging", "marketplace-model",
        "model-copy-jobs", "model-customization", "model-customization-jobs", "model-import-jobs",
        "model-invocation-job", "model-invocation-jobs", "projects", "prompt-routers", "provisioned-model-throughput",
        "provisioned-model-throughputs", "resource-policy", "tagResource", "trusted-access-programs", "untagResource",
        "use-case-for-model-access", "v1/data_retention", "v1/projects",
    )
)  # fmt: skip
"""The starts of the paths of Bedrock's other calls (botocore: the services `bedrock-runtime` and `bedrock`)."""
TELEMETRY_FIELDS: Final = TelemetryFields(
    settings={
        "temperature": (("inferenceConfig", "temperature"), ("temperature",)),
        "top_p": (("inferenceConfig", "topP"), ("top_p",)),
        "top_k": (("inferenceConfig", "topK"), ("top_k",)),
        **{name: ((name,),) for name in ("frequency_penalty", "presence_penalty", "seed")},
    },
    response="message",
    id=("id",),
    model=("model",),
    finish=(("stopReason",), ("stop_reason",), ("delta", "stop_reason"), ("finish_reason",)),
)
"""Those of Converse, whose responses have neither an id nor a model, and of the bodies of models."""
PROVIDER: Final = Provider(
    name="bedrock",
    member_keys=WRITTEN,
    telemetry_fields=TELEMETRY_FIELDS,
    title="Amazon Bedrock",
    aliases=("amazon-bedrock", "aws-bedrock"),
    routes=_routes(),
    base_url_shown=True,
    unserved=UNSERVED,
    hint_headers=("amz-sdk-request", "x-amz-date"),
    recognizes_body=is_converse_body,
    known_models=KNOWN_MODELS | EMBEDDING_MODELS,
    prompt_cache_policy=prompt_cache_policy,
    telemetry_name="aws.bedrock",
    hosts=("amazonaws.com",),
    base_url_variables=(
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        "AWS_ENDPOINT_URL_BEDROCK",
        "ANTHROPIC_BEDROCK_BASE_URL",
    ),
    key_variables=("AWS_BEARER_TOKEN_BEDROCK",),
)
PROVIDERS: Final = (PROVIDER,)
