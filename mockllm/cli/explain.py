"""`mockllm explain`: the response to a request, and the reasons. Only the steps of one example change counts."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import asdict

from mockllm.cli import api_client
from mockllm.cli.console import print_diagnostics
from mockllm.cli.option import BadOption, add
from mockllm.cli.options import LOAD_OPTIONS, SERVING, option_values
from mockllm.cli.own_responses import CONTROL_API, ServerParts, trace_of
from mockllm.cli.sources import read_input, scenario_sources, sources_step
from mockllm.core.display import brief, counted
from mockllm.core.json.codec import Json, JSONDecodeError, loads, pretty
from mockllm.core.rendering.plan import CutKind, CutStep
from mockllm.core.rendering.recorded_websocket import RecordedWebSocketSession
from mockllm.core.request.request_keys import request_hash
from mockllm.dialects.missing_base_paths import missing_base_path_note
from mockllm.engine import Engine
from mockllm.engine.near_misses import location_and_name
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.loader import load_scenarios
from mockllm.scenario.rule_ids import split_id
from mockllm.server.access_log import MAX_PRINTED_LINE, printable_line
from mockllm.state.engine_state import EngineState
from mockllm.testing.expectations import duration
from mockllm.testing.match_trace import MatchTrace, TraceEntry
from mockllm.testing.request_files import InvalidRequestFile, RequestFile, read_request_file

DECIDING_KEYS: Final = ("seed", "allow_overrides", "no_cors", "admin_port")
DECIDING: Final = tuple(option for option in SERVING if option.key in DECIDING_KEYS)
"""The options of `serve` that an explanation has, too."""
REFUSALS: Final = {
    "modifier": " with its error",
    "limited": ": its limit is reached",
    "overloaded": ": its load is at the maximum",
}
"""How a modifier responds in place of a rule."""
_ENDS: Final[Mapping[CutKind, str]] = {
    "reset": "is reset",
    "close": "is closed",
    "silence": "stays open",
    "end": "ends",
}
"""What happens to the connection of a response of which no byte is sent."""
CHUNKS: Final = 6
"""Number of leading chunks in the output."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "request",
        metavar="REQUEST.json",
        help="a request as in an example, an example with its steps, a recorded request (path, headers, body), a "
        "provider's body, or the lines of `mockllm requests --json`. - reads standard input; a number is the id of a "
        "request in the journal of a running server",
    )
    add(parser, (*LOAD_OPTIONS, *DECIDING))
    api_client.arguments(parser)
    parser.add_argument("--json", action="store_true", help="the explanation as JSON")


def run(args: argparse.Namespace) -> int:
    """Return 0 for an explanation, 2 for mistakes in the request or the files, or without a server that responds."""
    id = journal_id(args.request)
    if args.url is not None or id is not None:
        return _explain_live(args, id)
    values = option_values(args, (*LOAD_OPTIONS, *DECIDING), os.environ)
    sources = scenario_sources(values, os.environ)
    raw, name = read_input(args.request, "request")
    with sources_step(sources):
        gathered = load_scenarios(sources)
    if gathered.diagnostics:
        return _refuse(gathered.diagnostics, args.json)
    try:
        runs = read_request_file(raw, name, sources.known_names)
    except InvalidRequestFile as error:
        return _refuse(error.diagnostics, args.json)
    catalog = run_steps(compile_catalog(gathered.entries))
    settings = EngineSettings(seed=values["seed"], allow_overrides=values["allow_overrides"])
    parts = ServerParts(control_api=values["admin_port"] is None, preflights=not values["no_cors"])
    traces = [
        each for run in runs for each in trace_steps(run, Engine(catalog, EngineState(), settings), parts)
    ]
    if args.json:
        reports = [report(*each) for each in traces]
        print(pretty(reports[0] if len(reports) == 1 else reports).decode())
    else:
        print(_printed(explanation_lines(*each) for each in traces))
    return 0


def journal_id(request: str) -> int | None:
    """Return the id of a journal entry, with or without `#` in front; None for the name of a file."""
    text = request.removeprefix("#")
    is_id = text.isascii() and text.isdecimal() and len(text) < 19 and not os.path.exists(request)
    return int(text) if is_id else None


def _explain_live(args: argparse.Namespace, id: int | None) -> int:
    """Print the explanation of a running server, with its rules and counters."""
    unused = [option.name for option in (*LOAD_OPTIONS, *DECIDING) if getattr(args, option.key) is not None]
    if unused:
        raise BadOption(f"{', '.join(unused)}: the running server has its own scenarios and settings")
    body: Json = {"request_id": id}
    if id is None:
        raw, name = read_input(args.request, "request")
        try:
            body = loads(raw)
        except JSONDecodeError as error:
            raise BadOption(f"{name}: this is not JSON: {error.msg} (line {error.lineno})") from None
    try:
        found = api_client.ask(args, "POST", "/api/explain", body=body)
    except api_client.ApiError as error:
        print(f"mockllm: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(pretty(found).decode())
        return 0
    reports = found if isinstance(found, list) else [found]
    print(_printed(each["lines"] for each in reports))
    return 0


def _printed(explanations: Iterable[Iterable[str]]) -> str:
    """Return the lines of explanations in printable characters: requests and files of others have any."""
    return "\n\n".join(
        "\n".join(printable_line(line, MAX_PRINTED_LINE) for line in lines) for lines in explanations
    )


def trace_steps(
    run: Sequence[RequestFile], engine: Engine, parts: ServerParts
) -> Iterator[tuple[RequestFile, MatchTrace]]:
    """Yield the trace of each request, taken before the request is counted. Each request sees the state after the
    requests before it. The state begins empty, whatever a running server has counted."""
    now = time.time()
    for request_file in run:
        now += request_file.after
        request = request_file.sent.read_by(engine, now)
        trace = trace_of(engine, request, request_file.sent.path, parts)
        yield request_file, trace
        slot = engine.respond(request).slot
        now += trace.outcome.duration
        if slot is not None:
            slot.release()


def _refuse(diagnostics: Sequence[Diagnostic], json: bool) -> int:
    if json:
        print(pretty({"mistakes": [diagnostic.members() for diagnostic in diagnostics]}).decode())
    else:
        print_diagnostics(diagnostics, sys.stderr)
    return 2


# --- for people ------------------------------------------------------------------------------------


def explanation_lines(request_file: RequestFile, trace: MatchTrace) -> Iterator[str]:
    """Yield the lines of the explanation."""
    request = trace.request
    step = "" if request_file.step is None else f"Step {request_file.step}: "
    about = [f"{step}{request.method} {request.path}"]
    about += [f"model {request.model}"] if request.model is not None else []
    about += [f"user {brief(request.user)}"] if request.user is not None else []
    yield ", ".join(about)
    if request_file.guess is not None:
        yield f"({request_file.guess})"
    yield f"hash {request_hash(request)}"
    yield ""
    yield verdict(trace)
    yield from _section("Rules, in the order they are tried:", _rules(trace))
    applied = [(item, f"{location_and_name(item)}{_won_chance(trace, item.id)}") for item in trace.applied]
    lines = (*applied, *trace.blocked_modifiers)
    modifiers = [f"  {_by_id(line, item.file_and_line, item.id)}" for item, line in lines]
    yield from _section("Modifiers that apply:" if trace.applied else "Modifiers:", modifiers)
    yield from _section("What would be sent:", [f"  {line}" for line in sent(trace)])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from lines


def verdict(trace: MatchTrace) -> str:
    """Return the result of the request as one line."""
    planned, decision = trace.outcome.response, trace.decision
    rule = next((tried for tried in trace.tried if tried.fate in ("answers", "would answer")), None)
    if decision.outcome in REFUSALS:
        instead = f", in place of {rule.rule}" if rule else ""
        return f"{planned.responder_id} responds{REFUSALS[decision.outcome]}{instead}"
    if decision.outcome == "invalid":
        return "The request is invalid and refused in the provider's form" + (
            f"; otherwise {rule.rule}" if rule else ""
        )
    if rule is not None and not planned.unmatched:
        return f"{rule.rule} responds" + (f" ({trace.step})" if trace.step else "")
    if planned.responder_id is not None:
        return f"No rule is tried: {planned.responder_id} responds by itself"
    return "No rule matches"


def _rules(trace: MatchTrace) -> list[str]:
    width = max((len(str(tried.number)) for tried in trace.tried), default=1)
    lines = [f"  {tried.number:>{width}}  {_fate(tried, trace)}" for tried in trace.tried]
    if trace.unshown:
        lines.append(f"  {'':>{width}}  {trace.unshown} more did not match, with larger differences")
    return lines


def _fate(tried: TraceEntry, trace: MatchTrace) -> str:
    if tried.why:
        return _by_id(tried.why, tried.where, tried.rule)
    _, name = split_id(tried.rule)
    fate = "would match, but comes later" if tried.fate == "comes later" else tried.fate
    text = f"{tried.where} {name}: {fate}{_won_chance(trace, tried.rule)}"
    return _by_id(text, tried.where, tried.rule)


def _by_id(text: str, where: str, id: str) -> str:
    """Return a text with the place of a rule or modifier, by file and line. The file of a pack is that of the id,
    since its folder may be deep down."""
    file, _, line = where.rpartition(":")
    below, _ = split_id(id)
    short = os.path.isabs(file) and "/" in below and file.endswith(f"/{below}")
    return text.replace(where, f"{below}:{line}", 1) if short else text


def _won_chance(trace: MatchTrace, id: str) -> str:
    chance = trace.won_chances.get(id)
    return "" if chance is None else f" (won its {chance} chance)"


def sent(trace: MatchTrace) -> Iterator[str]:
    """Yield the lines about the response."""
    if trace.outcome.response.responder_id == CONTROL_API:
        yield "a response of the control API, which is not shown here"
        return
    yield from (_withheld(trace) if trace.outcome.response.plan.delivery.sends_nothing else _response(trace))
    yield from (f"fault applied: {fault}" for fault in trace.outcome.response.faults)
    yield from (f"note: {note}" for note in _notes(trace))


def _notes(trace: MatchTrace) -> list[str]:
    """Return the notes that the journal has on the request and its response."""
    note = missing_base_path_note(trace.request.provider, trace.request.path)
    notes = [*trace.outcome.response.notes, *trace.request.override.notes]
    return [*notes, *([] if note is None else [note])]


def _withheld(trace: MatchTrace) -> Iterator[str]:
    """Yield the line about a response of which no byte is sent."""
    plan = trace.outcome.response.plan
    (end,) = (_ENDS[step.how] for step in plan.steps if isinstance(step, CutStep))
    yield f"nothing: the connection {end} after {duration(plan.delay)}"


def _response(trace: MatchTrace) -> Iterator[str]:
    """Yield the lines about the content of the response and its times."""
    outcome, plan = trace.outcome, trace.outcome.response.plan
    decoded, kind = outcome.decoded, outcome.headers.get("content-type")
    streaming = "streaming" if plan.streamed else "non-streaming"
    yield f"status {plan.head.status}, {streaming}" + (f", {kind}" if kind else "")
    if outcome.response.error is not None:
        yield f"error {outcome.response.error}"
    yield from (
        f"message: {line}" if not number else f"         {line}"
        for number, line in enumerate(outcome.message)
    )
    if decoded is not None:
        for name in ("thinking", "text", "refusal"):
            value = getattr(decoded, name)
            if value is not None:
                yield f"{name}: {brief(value)}"
        for call in decoded.calls:
            yield f"calls {call.name} with {brief(call.arguments)}"
        if decoded.finish is not None:
            yield f"finish_reason: {decoded.finish}"
        if decoded.usage is not None:
            yield f"usage: {decoded.usage.input} in, {decoded.usage.output} out"
        if decoded.chunks is not None:
            first = ", ".join(map(brief, decoded.chunks[:CHUNKS])) + (
                " …" if len(decoded.chunks) > CHUNKS else ""
            )
            yield f"{counted(len(decoded.chunks), 'chunk')}: {first}"
    yield from _recorded_turns(trace)
    yield _times(trace)


def _recorded_turns(trace: MatchTrace) -> Iterator[str]:
    """Yield the turns of a recorded WebSocket: which message of the client gets how many messages."""
    opens = trace.outcome.response.plan.delivery.websocket_factory
    session = None if opens is None else opens()
    if not isinstance(session, RecordedWebSocketSession):
        return
    turns = [turn for turn in session.turns if turn.message is not None or turn.responses]
    yield f"a recorded WebSocket of {counted(len(turns), 'turn')}:"
    for turn in turns[:CHUNKS]:
        yield f"  {turn.kind}: {counted(len(turn.responses), 'message')}"
    if len(turns) > CHUNKS:
        yield "  …"


def _times(trace: MatchTrace) -> str:
    plan = trace.outcome.response.plan
    times = [f"head after {duration(plan.delay)}"]
    if trace.ttft is not None:
        times.append(f"first chunk after {duration(trace.ttft)}")
    return ", ".join([*times, f"all after {duration(trace.outcome.duration)}"])


# --- for programs ----------------------------------------------------------------------------------


def report(request_file: RequestFile, trace: MatchTrace) -> Json:
    """Return the explanation as JSON, with times in seconds."""
    request = trace.request
    return {
        "request": {
            "method": request.method,
            "path": request.path,
            "provider": request.provider,
            "api": request.api,
            "model": request.model,
            "hash": request_hash(request),
        },
        "guess": request_file.guess,
        "example_step": request_file.step,
        "outcome": _outcome(trace),
        "rule": trace.outcome.response.responder_id,
        "step": trace.step,
        "tried": [_tried(tried) for tried in trace.tried],
        "unshown": trace.unshown,
        "modifiers": [item.id for item in trace.applied],
        "spared": [item.id for item, _ in trace.blocked_modifiers],
        "sent": _sent(trace),
    }


def _sent(trace: MatchTrace) -> Json:
    outcome, planned, decoded = trace.outcome, trace.outcome.response, trace.outcome.decoded
    plan = planned.plan
    return {
        "status": None if plan.delivery.sends_nothing else plan.head.status,
        "headers": {} if plan.delivery.sends_nothing else dict(outcome.headers),
        "streamed": plan.streamed,
        "error": planned.error,
        "message": "\n".join(outcome.message) or None,
        "text": None if decoded is None else decoded.text,
        "tool_calls": []
        if decoded is None
        else [{"name": c.name, "arguments": c.arguments} for c in decoded.calls],
        "finish_reason": None if decoded is None else decoded.finish,
        "chunks": None if decoded is None or decoded.chunks is None else len(decoded.chunks),
        "first_chunks": None if decoded is None or decoded.chunks is None else list(decoded.chunks[:CHUNKS]),
        "delay": plan.delay,
        "ttft": trace.ttft,
        "took": outcome.duration,
        "faults": list(planned.faults),
        "notes": _notes(trace),
    }


def _outcome(trace: MatchTrace) -> str:
    """Return rule, modifier, invalid or miss; or dialect, where the protocol responds without a rule."""
    if trace.outcome.response.unmatched:
        return "miss"
    return "dialect" if trace.decision.outcome == "no_rule" else trace.decision.outcome


def _tried(tried: TraceEntry) -> Json:
    return {**asdict(tried), "why": tried.why.partition(": ")[2] or None}
