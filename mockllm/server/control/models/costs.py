"""Models of the call on costs."""

from pydantic import BaseModel

from mockllm.core.reply.reply import Usage
from mockllm.server.control.models.journal import RequestDetail


class CostSum(BaseModel):
    """Requests and tokens, and their cost in US dollars at list prices. `unpriced` requests are for models whose
    price is unknown."""

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0

    def add(self, usage: Usage, dollars: float | None) -> None:
        """Count one request."""
        self.requests += 1
        self.input_tokens += usage.input
        self.cached_tokens += usage.cache_read
        self.output_tokens += usage.output
        self.cost = round(self.cost + (dollars or 0.0), 9)
        self.unpriced += dollars is None


class PricedRequest(RequestDetail):
    """A request with its cost."""

    cost: float | None
    """US dollars at list prices; None for a model whose price is unknown."""


class ModelCost(CostSum):
    provider: str | None
    model: str | None


class SessionCost(CostSum):
    session: str | None
    """None: requests without a session."""


class CostReport(BaseModel):
    """Costs of the requests in the journal, the most expensive model and session first."""

    cost: float
    unpriced: int
    models: list[ModelCost]
    sessions: list[SessionCost]
