"""The work of a request for a continuous batch: its tokens, and the prefixes of its prompt."""

from __future__ import annotations

from mockllm.core.load.continuous_batch import PromptWork
from mockllm.core.prompt_cache.form import PromptForm
from mockllm.core.prompt_cache.prefix import prompt_prefixes
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect


def prompt_work(request: Request, dialect: Dialect | None) -> PromptWork:
    """Return the work of a request. A call whose prompts have no known form, such as an embedding, has no prefixes.
    Models share no prefixes; the clients of one model do, as in vLLM without a `cache_salt`."""
    form: PromptForm | None = getattr(dialect, "prompt_form", None)
    prefixes: list[tuple[bytes, int]] = []
    if form is not None:
        scope = (request.model or "").encode("utf-8", "surrogatepass")
        prefixes = [(end.digest, end.tokens) for end in prompt_prefixes(request, form).keyed(scope)]
    return PromptWork(request.input_tokens, request.sampling.max_tokens or 0, prefixes)
