"""A run: each request to the provider (or its recording), and the comparison of the responses."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from mockllm.core.display import counted
from mockllm.core.rendering.plan import Framing, Plan, RawStep, ResponseHead
from mockllm.core.request.request import Request
from mockllm.drift.compared_exchange import compare_exchange
from mockllm.drift.cost import CostBudget, CostExceeded
from mockllm.drift.live_provider import LiveProviders, NoLiveResponse
from mockllm.drift.report import DriftReport
from mockllm.drift.requests import DriftRequest
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest, decode_response
from mockllm.recordings.interaction import RecordedResponse

Exchanges = list[tuple[EngineRequest, RecordedResponse]]
KEY_REFUSED = (401, 403)


class KeyRefused(Exception):
    """The provider refuses the user's key; the message is one line, without the key."""


def requests_of(engine: Engine, requests: Iterable[DriftRequest]) -> list[EngineRequest]:
    """Return the requests as the engine reads them."""
    return [each.sent.read_by(engine, time.time()) for each in requests]


async def ask_all(
    live: LiveProviders,
    requests: Sequence[EngineRequest],
    budget: CostBudget,
    report: DriftReport,
    progress: Callable[[int], None],
) -> Exchanges:
    """Send each request, within the budget, and return the exchanges. Raises KeyRefused."""
    exchanges: Exchanges = []
    failures = Counter[str]()
    try:
        for number, request in enumerate(requests):
            progress(number)
            try:
                budget.reserve(request)
                response = await live.ask(request, request.headers)
            except CostExceeded:
                left = counted(len(requests) - number, "request")
                report.notes.append(f"{left} not sent: more would exceed --max-cost {budget.bound:g}")
                break
            except NoLiveResponse as error:
                failures[f"{request.provider}: {error}"] += 1
                continue
            if response.status in KEY_REFUSED and not exchanges:
                variable = live.key_variable(request.provider or "") or "no key was sent"
                raise KeyRefused(f"{request.provider} refuses the key ({variable}): status {response.status}")
            exchanges.append((request, response))
            _count(budget, request, response)
    finally:
        await live.upstreams.close()
        times = {text: f" ({number} requests)" if number > 1 else "" for text, number in failures.items()}
        report.notes += [text + number for text, number in times.items()]
    return exchanges


def compare_all(
    engine: Engine,
    exchanges: Iterable[tuple[EngineRequest, RecordedResponse]],
    report: DriftReport,
    without: str = "",
) -> None:
    """Compare each exchange, and add it to the report. `without` is a pack whose `extras` do not count."""
    unknown = 0
    for request, response in exchanges:
        compared = compare_exchange(engine, request, response, without)
        if compared is None:
            unknown += 1
        else:
            report.add(compared)
    if unknown:
        report.notes.append(
            f"{counted(unknown, 'request')} not compared: no known call of a provider, or only a rule responds to it"
        )
    missing = sum(number for (_, status), number in report.statuses.items() if status == 404)
    if missing:
        report.notes.append(
            f"{counted(missing, 'response')} with status 404: only errors were compared; "
            "choose a model of yours by --model PROVIDER=MODEL"
        )


def _count(budget: CostBudget, request: Request, response: RecordedResponse) -> None:
    usage = _usage_of(request, response)
    budget.add(request, *usage, status=response.status)


def _usage_of(request: Request, response: RecordedResponse) -> tuple[int, int]:
    """Return the tokens of input and output; zeros where the response has no usage, or a negative one."""
    framing = Framing.SSE if request.stream else Framing.PLAIN
    plan = Plan(ResponseHead(response.status, response.headers), (RawStep(response.body, 0),), framing)
    decoded = decode_response(request, plan)
    if decoded is None or decoded.usage is None:
        return (0, 0)
    return (max(0, decoded.usage.input), max(0, decoded.usage.output))
