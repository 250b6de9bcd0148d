"""What a decision needs of a request beside its candidates: validation, model, cost, and its tokens in a batch."""

from __future__ import annotations

from collections.abc import Sequence

from mockllm.core.failure import Failure
from mockllm.core.limits.limit_data import Cost
from mockllm.core.load.continuous_batch import PromptWork
from mockllm.core.prompt_cache.form import PromptForm
from mockllm.core.prompt_cache.prefix import prompt_prefixes
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Validation
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.provider_facts import is_known_model, undocumented_field_failure


class RequestAssessment:
    """What a decision needs of a request beside its candidates, computed on demand. It has the validation, computed
    at most once for each kind, and whether the request's model is known (`models` are those that rules name).
    It also has the tokens of the request in a continuous batch. `passes_validation`: whether the
    dialect's check is known to accept the request."""

    __slots__ = ("_dialect", "_models", "_request", "_results", "_work")

    def __init__(
        self,
        dialect: Dialect | None,
        request: Request,
        models: Sequence[str] = (),
        *,
        passes_validation: bool = False,
    ) -> None:
        self._dialect = dialect
        self._request = request
        self._models = models
        self._results: dict[Validation, Failure | None] = {"off": None}
        if passes_validation:
            self._results["strict"] = None
        self._work: PromptWork | None = None

    def failure(self, validation: Validation) -> Failure | None:
        """Return why a validation refuses the request; None if it does not."""
        if self._dialect is None:
            return None
        if validation not in self._results:
            self._results[validation] = validation_failure(self._dialect, self._request, validation)
        return self._results[validation]

    def fails(self, validation: Validation) -> bool:
        """Return whether a validation refuses the request."""
        return self.failure(validation) is not None

    def has_unknown_model(self) -> bool:
        """Return whether the request's model is unknown."""
        model = self._request.model
        if self._dialect is None or model is None:
            return False
        return model not in self._models and not is_known_model(self._request.provider, model)

    def compute_continuous_batch_work(self) -> PromptWork:
        """Return the tokens that a continuous batch has to process for the request."""
        if self._work is None:
            self._work = _prompt_work(self._request, self._dialect)
        return self._work


def validation_failure(dialect: Dialect, request: Request, validation: Validation) -> Failure | None:
    """Return why a validation that is not off refuses a request; None if it does not. A provider parses the fields
    before it checks their values."""
    if validation == "strict":
        return dialect.check(request)
    failure = dialect.check_readable(request)
    if failure is not None or validation == "lenient":
        return failure
    return undocumented_field_failure(dialect.name, request) or dialect.check(request)


def limit_cost(request: Request) -> Cost:
    """Return what a request takes of a limit: its input, and the maximum of its response."""
    output = request.output_bounds.max_tokens or 0
    return Cost(request.input_tokens + output, output_tokens=output)


def _prompt_work(request: Request, dialect: Dialect | None) -> PromptWork:
    """Return the work of a request. A call whose prompts have no known form, such as an embedding, has no prefixes.
    Models share no prefixes; the clients of one model do, as in vLLM without a `cache_salt`."""
    form: PromptForm | None = getattr(dialect, "prompt_form", None)
    prefixes: list[tuple[bytes, int]] = []
    if form is not None:
        cache_scope = (request.model or "").encode("utf-8", "surrogatepass")
        prefix_ends = prompt_prefixes(request, form).ends_in_scope(cache_scope)
        prefixes = [(end.digest, end.tokens) for end in prefix_ends]
    return PromptWork(request.input_tokens, request.output_bounds.max_tokens or 0, prefixes)
