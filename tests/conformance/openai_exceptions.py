"""The differences between OpenAI's recordings and this server's responses: see `exceptions.py`."""

from __future__ import annotations

from tests.conformance.exemption import Exemption

OPENAI_EXEMPTIONS = (
    Exemption(
        "openai-responses", "*-f5a200b6", "*output[[]].*", "tools that the service searches, by namespace"
    ),
    Exemption("openai-responses", "*-f2008203", "order", "a file's citations come between the text's chunks"),
    Exemption("openai-responses", "*-61c91dd3", "order", "citations come between the text's chunks"),
    Exemption("openai-responses", "*-902bed79", "order", "a summary in several parts"),
    Exemption(
        "openai-chat",
        "openai-chat-n-400-384bba4b",
        "header x-ratelimit-*-input-images",
        "a limit on images is told only by the answers to requests that hold one",
    ),
    Exemption(
        "openai-chat",
        "openai-chat-n-400-9537d4a3",
        "header x-ratelimit-*-input-images",
        "a limit on images is told only by the answers to requests that hold one",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.completed_at *",
        "in every answer since January 2026",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.frequency_penalty number",
        "in every answer since January 2026",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.presence_penalty number",
        "in every answer since January 2026",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.prompt_cache_retention *",
        "came in November 2025, null until the spring of 2026, and of the model since",
    ),
    Exemption(
        "openai-responses",
        "*",
        "body $.billing*",
        "in every non-streaming response since the autumn of 2025, but for some",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.moderation null",
        "came in the summer of 2026, with all families of models",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.tool_usage*",
        "came in the summer of 2026, with all families of models",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.output_schema null",
        "came in the summer of 2026, with all families of models",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.cache_write_tokens number",
        "came in the summer of 2026, with all families of models",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.reasoning.context *",
        "came in the summer of 2026, with all families of models",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.reasoning.mode string",
        "came in the summer of 2026, with all families of models",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.output[].content array",
        "reasoning has always had both since the summer of 2026, asked for or not",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.encrypted_content string",
        "reasoning has always had both since the summer of 2026, asked for or not",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.item.content array",
        "reasoning has always had both since the summer of 2026, asked for or not",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.tools[[]].filters null",
        "a search's settings are echoed so since the summer of 2026",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.tools[[]].return_token_budget string",
        "a search's settings are echoed so since the summer of 2026",
    ),
    Exemption(
        "openai-responses",
        "*",
        "*.tools[[]].search_content_types*",
        "a search's settings are echoed so since the summer of 2026",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-4782af8c",
        "*.instructions *",
        "a stored prompt brings its own settings, which the request does not tell",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-4782af8c",
        "*.reasoning.effort *",
        "a stored prompt brings its own settings, which the request does not tell",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-a927fc21",
        "*.instructions *",
        "a stored prompt brings its own settings, which the request does not tell",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-a927fc21",
        "*.reasoning.effort *",
        "a stored prompt brings its own settings, which the request does not tell",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-ca6d51e8",
        "*.logprobs array",
        "an answer of 2025, by its own time, under a date of 2026",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-ca6d51e8",
        "*.prompt_cache_key null",
        "an answer of 2025, by its own time, under a date of 2026",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-ca6d51e8",
        "*.safety_identifier null",
        "an answer of 2025, by its own time, under a date of 2026",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-ca6d51e8",
        "*.text.verbosity string",
        "an answer of 2025, by its own time, under a date of 2026",
    ),
    Exemption(
        "openai-responses",
        "openai-responses-n-200-ca6d51e8",
        "*.top_logprobs number",
        "an answer of 2025, by its own time, under a date of 2026",
    ),
)
