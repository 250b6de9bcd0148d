"""The recordings that are not compared with this server's responses, with their reasons."""

from __future__ import annotations

LEFT_OUT = {
    "openai-completions-n-200-b5fdd351": "a stream, and its request did not ask for one: not what it answers",
    "openrouter-chat-s-200-a16d9d5b": "a stream of January 2026: since April, all of them have another form",
    "openrouter-chat-s-200-ed745c70": "a stream of 2025: since April 2026, all of them have another form",
    "openai-compat-chat-s-200-825fdb47": "a stream of 2025: since April 2026, all of them have another form",
    "openai-compat-chat-s-200-e1cd2de3": "a stream of 2025: since April 2026, all of them have another form",
}
"""Recordings that are not compared, with their reasons."""

OUT_OF_SCOPE = {
    "anthropic-batches": "batches of messages",
    "anthropic-complete": "the service's text completions, which ended before 2025",
    "anthropic-other": "files and other calls that no scenario answers",
    "bedrock-count-tokens": "one number, which its own tests look at",
    "bedrock-invoke*": "bodies of many makers, of which golden files hold the form",
    "bedrock-mantle": "OpenAI's protocol at another host",
    "gemini-other": "files, caches, and calls that no scenario answers",
    "mistral-other": "batch jobs: tests/dialects/mistral holds the form of the recorded ones",
    "ollama-api-*": "lines of JSON: tests/dialects/ollama holds the form of the recorded objects",
    "openai-models": "the list and a deletion of 2023, whose form has changed since",
    "openai-other": "assistants, images, sounds, batches",
    "openrouter-other": "calls that no scenario answers",
}
"""Folders of recordings that no protocol is compared with, with their reasons."""
