"""Handlers of the journal, and of calls on the loaded rules: verify, explain, reload, reset and the rule list."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Final

from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.redaction import Redactor
from mockllm.core.request.header_lines import combine_lines
from mockllm.server.control import costs, journal_queries, verification
from mockllm.server.control.api_types import JSON, ApiCall, ApiRoute, TextResponse
from mockllm.server.control.body_text import body_source, json_as_yaml, model_json, visible
from mockllm.server.control.called_address import called_address
from mockllm.server.control.context import ControlContext
from mockllm.server.control.conversation import conversation
from mockllm.server.control.journal_queries import (
    TimeSlices,
    entry_by_id,
    in_thread_if_large,
    repeatable_entry,
)
from mockllm.server.control.models.base import Reloaded, ResetBody, ResetDone, StaleFile
from mockllm.server.control.models.conversation import CodeQuery, Conversation, RequestCode
from mockllm.server.control.models.costs import CostReport, PricedRequest
from mockllm.server.control.models.journal import (
    ExportQuery,
    ForgottenCount,
    RequestFilter,
    RequestPage,
    RequestQuery,
    VerifyBody,
    VerifyResult,
)
from mockllm.server.control.models.rules import RuleInfo, RuleList
from mockllm.server.control.problem import FieldProblem, Problem, diagnostics_problem, field_problems
from mockllm.server.control.rule_layers import layer_of
from mockllm.server.control.sdk_code import python_code
from mockllm.server.journal.entry import JournalEntry
from mockllm.server.worker_thread import run_in_thread

_DOTS: Final = re.compile(r"(?i)/(\.|%2e){1,2}(/|$)")
"""Segments of a path that clients resolve: `/v1/../api/reset` would be a call of the control API."""


async def list_requests(context: ControlContext, call: ApiCall[RequestQuery]) -> BaseModel:
    """The journal, in pages."""
    return await journal_queries.page(context.journal, call.query)


async def forget_requests(context: ControlContext, call: ApiCall) -> BaseModel:
    """Clear the journal."""
    count = len(context.journal)
    context.journal.clear()
    return ForgottenCount(forgotten=count)


async def export_requests(context: ControlContext, call: ApiCall[ExportQuery]) -> TextResponse:
    """The journal as JSON lines or HAR."""
    slices = TimeSlices()
    entries = [
        entry for entry in context.journal if await journal_queries.is_exported(call.query, entry, slices)
    ]
    disposition = ("Content-Disposition", f'attachment; filename="mockllm.{call.query.format}"')
    if call.query.format == "har":
        return TextResponse(await journal_queries.har(entries), JSON, (disposition,))
    lines = await journal_queries.lines(entries, context.engine)
    return TextResponse(lines, "application/x-ndjson", (disposition,))


async def show_costs(context: ControlContext, call: ApiCall[RequestFilter]) -> BaseModel:
    """What the requests would cost at list prices."""
    slices = TimeSlices()
    entries = [
        entry for entry in context.journal if await journal_queries.is_selected(call.query, entry, slices)
    ]
    return await costs.report(entries, context.engine, context.prices)


async def show_request(context: ControlContext, call: ApiCall) -> TextResponse:
    """One request in full."""
    entry = entry_by_id(context.journal, call.params["id"])
    found = await journal_queries.detail(entry, context.engine)
    cost = await in_thread_if_large(entry, partial(costs.entry_cost, entry, context.engine, context.prices))
    priced = PricedRequest(**dict(found), cost=cost.dollars)
    return await in_thread_if_large(entry, lambda: TextResponse(model_json(priced), JSON))


async def show_conversation(context: ControlContext, call: ApiCall) -> TextResponse:
    """One request as turns, and its response as text and events."""
    entry = entry_by_id(context.journal, call.params["id"])
    return await in_thread_if_large(
        entry, lambda: TextResponse(model_json(conversation(entry, context.engine)), JSON)
    )


async def show_code(context: ControlContext, call: ApiCall[CodeQuery]) -> BaseModel:
    """One request as a Python program that sends it again."""
    entry = repeatable_entry(context.journal, call.params["id"])
    if not entry.target.startswith("/"):  # "-" for bytes that were not a request
        raise Problem(404, f"Request {entry.number} has no path, so no program can send it again.")
    if _DOTS.search(entry.target.partition("?")[0]):
        resolved = f"Clients resolve the dots in the path of request {entry.number}"
        raise Problem(404, f"{resolved}, so no program can send it again; `curl --path-as-is` can.")
    origin = call.query.origin or called_address(call.headers, context.provider_address)
    return RequestCode(python=await in_thread_if_large(entry, lambda: python_code(entry, origin)))


def problems_in_expectations(context: ControlContext, raw: bytes) -> list[FieldProblem]:
    """Return the mistakes in the matches and counts of a body, which its model does not see."""
    source = body_source(raw)
    return field_problems(verification.expectation_diagnostics(source, context.known_names))


async def verify(context: ControlContext, call: ApiCall[object, VerifyBody]) -> BaseModel:
    """Verify expectations on the requests."""
    source = await asyncio.to_thread(body_source, call.raw if call.raw.strip() else b"{}")
    if source.diagnostics:
        raise diagnostics_problem(source.diagnostics)
    return await verification.verify(
        call.body,
        source,
        context.journal,
        context.engine,
        context.known_names,
        context.prices,
        all_rules=context.overlays is not None,  # else a session of a test may have further rules
    )


async def explain(context: ControlContext, call: ApiCall) -> TextResponse:
    """Which rule a request matches, and why."""
    if context.explain is None:
        raise Problem(501, "This server has no explain; use the command `mockllm explain`.")
    try:
        data: Json = loads(call.raw)
    except JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON: {error.msg}.") from None
    raw, redactor = call.raw, Redactor()
    if isinstance(data, dict) and data.keys() == {"request_id"}:
        if type(data["request_id"]) is not int:
            message = f"expected a whole number, found {brief(data['request_id'])}"
            raise Problem(422, f"request_id: {message}", [FieldProblem(field="request_id", message=message)])
        entry = entry_by_id(context.journal, str(data["request_id"]))
        raw, redactor = await in_thread_if_large(entry, lambda: (_request_file(entry), entry.full_redactor))
    explanation = await context.explain(await run_in_thread(partial(json_as_yaml, raw)), context.engine)
    text = await run_in_thread(lambda: visible(redactor.data(dumps(explanation))))
    return TextResponse(text + b"\n", JSON)


def _request_file(entry: JournalEntry) -> bytes:
    """Return a journal entry in the form that `explain` reads."""
    text = entry.raw.decode("utf-8", "replace")
    try:
        body: Json = loads(entry.raw)
    except JSONDecodeError:
        body = text
    headers = combine_lines(entry.headers)
    headers.pop("content-length", None)
    request: dict[str, Json] = {
        "method": entry.method,
        "path": entry.target,
        "headers": headers,
        "body": body,
    }
    return dumps(request)


async def reload(context: ControlContext, call: ApiCall) -> BaseModel:
    """Reload the scenario files now."""
    if context.reload is None:
        raise Problem(409, "This server does not reload (--no-reload).")
    await context.reload()
    info = context.engine.info()
    stale = [StaleFile(file=file.file, reason=file.reason, left_out=not file.in_use) for file in info.stale]
    return Reloaded(rules=info.rules, files=info.files, stale=stale)


async def reset(context: ControlContext, call: ApiCall[object, ResetBody]) -> BaseModel:
    """Reset counters, sessions, journal, metrics and overlay."""
    kinds = list(dict.fromkeys(call.body.what))
    for kind in kinds:
        await context.forget(kind)
    return ResetDone(reset=kinds)


async def list_rules(context: ControlContext, call: ApiCall) -> BaseModel:
    """All rules and modifiers, with counters and positions."""
    catalog = context.engine.catalog
    totals = context.engine.state.totals(catalog.response_counts)
    rules, slices = [], TimeSlices()
    for number, item in enumerate(catalog.items):
        await slices.pause()
        tries, responses = totals.get(item.key, (0, 0))
        layer, session = layer_of(item)
        rules.append(
            RuleInfo(
                id=item.id,
                kind="rule" if number < catalog.rule_count else "modifier",
                where=item.file_and_line,
                layer=layer,
                session=session,
                tries=tries,
                answers=responses,
            )
        )
    return RuleList(rules=rules)


ROUTES: Final = (
    ApiRoute("GET", "/api/requests", list_requests, RequestPage, query=RequestQuery),
    ApiRoute("DELETE", "/api/requests", forget_requests, ForgottenCount),
    ApiRoute(
        "GET",
        "/api/requests/export",
        export_requests,
        query=ExportQuery,
        content_type="application/x-ndjson",
        or_type=JSON,
    ),
    ApiRoute("GET", "/api/requests/{id}/code", show_code, RequestCode, query=CodeQuery),
    ApiRoute("GET", "/api/requests/{id}/conversation", show_conversation, Conversation),
    ApiRoute("GET", "/api/costs", show_costs, CostReport, query=RequestFilter),
    ApiRoute("GET", "/api/requests/{id}", show_request, PricedRequest),
    ApiRoute(
        "POST", "/api/verify", verify, VerifyResult, VerifyBody, further_problems=problems_in_expectations
    ),
    ApiRoute(
        "POST",
        "/api/explain",
        explain,
        raw='a request as `mockllm explain` reads it, or {"request_id": N} for a journal entry',
    ),
    ApiRoute("POST", "/api/reload", reload, Reloaded),
    ApiRoute("POST", "/api/reset", reset, ResetDone, ResetBody),
    ApiRoute("GET", "/api/rules", list_rules, RuleList),
)
