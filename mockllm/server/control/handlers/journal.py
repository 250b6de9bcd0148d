"""What each call of the control API does. Which call it is, and what it takes, stands in `routes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from mockllm.core.display import brief
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.redaction import redact_bytes
from mockllm.server.control import journal_queries
from mockllm.server.control.api_types import JSON, ApiCall, TextResponse, visible
from mockllm.server.control.models import resources
from mockllm.server.control.problem import FieldProblem, Problem, of_mistakes
from mockllm.server.control.time_slices import TimeSlices
from mockllm.server.control.verification import verify as verified
from mockllm.server.control.yaml_body import readable, source_of
from mockllm.server.journal.entry import JournalEntry

if TYPE_CHECKING:
    from mockllm.server.control.control import ControlApi


async def list_requests(control: ControlApi, call: ApiCall) -> BaseModel:
    return await journal_queries.page(control.journal, call.query)


async def forget_requests(control: ControlApi, call: ApiCall) -> BaseModel:
    count = len(control.journal)
    control.journal.clear()
    return resources.ForgottenCount(forgotten=count)


async def export_requests(control: ControlApi, call: ApiCall) -> TextResponse:
    found = [each for each in control.journal if journal_queries.matches_filter(call.query, each)]
    disposition = ("Content-Disposition", f'attachment; filename="mockllm.{call.query.format}"')
    if call.query.format == "har":
        return TextResponse(await journal_queries.har(found), JSON, (disposition,))
    return TextResponse(
        await journal_queries.lines(found, control.engine), "application/x-ndjson", (disposition,)
    )


async def show_request(control: ControlApi, call: ApiCall) -> BaseModel:
    return journal_queries.detail(kept_of(control, call.params["id"]), control.engine)


def kept_of(control: ControlApi, id: str) -> JournalEntry:
    """A request of the journal. Raises Problem where it is not there."""
    number = int(id) if id.isascii() and id.isdecimal() and len(id) < 19 else 0
    found = control.journal.find(number)
    if found is None:
        raise Problem(404, f"The journal has no request {id[:40]}; it keeps the last {len(control.journal)}.")
    return found


async def verify(control: ControlApi, call: ApiCall) -> BaseModel:
    source = source_of(call.raw if call.raw.strip() else b"{}")
    if source.mistakes:
        raise of_mistakes(source.mistakes)
    return await verified(call.body, source, control.journal, control.engine, control.vocabulary)


async def explain(control: ControlApi, call: ApiCall) -> TextResponse:
    if control.explain is None:
        raise Problem(501, "This server explains nothing; use `mockllm explain`.")
    try:
        data: Json = loads(call.raw)
    except JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON: {error.msg}.") from None
    raw = call.raw
    if isinstance(data, dict) and data.keys() == {"request_id"}:
        if type(data["request_id"]) is not int:
            message = f"expected a whole number, found {brief(data['request_id'])}"
            raise Problem(422, f"request_id: {message}", [FieldProblem(field="request_id", message=message)])
        raw = _as_recorded(kept_of(control, str(data["request_id"])))
    told = dumps(control.explain(readable(raw), control.engine))
    return TextResponse(visible(redact_bytes(told)) + b"\n", JSON)


def _as_recorded(each: JournalEntry) -> bytes:
    """A request of the journal as `explain` takes it."""
    text = each.raw.decode("utf-8", "replace")
    try:
        body: Json = loads(each.raw)
    except JSONDecodeError:
        body = text
    headers: dict[str, Json] = {name.lower(): value for name, value in each.headers}
    headers.pop("content-length", None)
    recorded: dict[str, Json] = {"method": each.method, "path": each.target, "headers": headers, "body": body}
    return dumps(recorded)


async def reload(control: ControlApi, call: ApiCall) -> BaseModel:
    if control.reload is None:
        raise Problem(409, "This server does not reload (--no-reload).")
    await control.reload()
    about = control.engine.info()
    stale = [
        resources.StaleFile(file=each.file, reason=each.reason, left_out=not each.kept)
        for each in about.stale
    ]
    return resources.Reloaded(rules=about.rules, files=about.files, stale=stale)


async def show_openapi(control: ControlApi, call: ApiCall) -> TextResponse:
    from mockllm.server.control.openapi import document

    return TextResponse(dumps(document()) + b"\n", JSON)


async def reset(control: ControlApi, call: ApiCall) -> BaseModel:
    wanted = list(dict.fromkeys(call.body.what))
    for what in wanted:
        await control.forget(what)
    return resources.ResetDone(reset=wanted)


async def list_rules(control: ControlApi, call: ApiCall) -> BaseModel:
    catalog, totals = control.engine.catalog, control.engine.state.totals()
    found, slices = [], TimeSlices()
    for number, item in enumerate(catalog.items):
        await slices.turn()
        tries, answers = totals.get(item.key, (0, 0))
        layer, session = control.layer_of(item)
        found.append(
            resources.RuleInfo(
                id=item.id,
                kind="rule" if number < catalog.rules else "modifier",
                where=item.where,
                layer=layer,
                session=session,
                tries=tries,
                answers=answers,
            )
        )
    return resources.RuleList(rules=found)
