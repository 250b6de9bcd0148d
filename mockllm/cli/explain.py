"""`mockllm explain`: what would answer a request, and why. Nothing is counted, but from step to step of one
example.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.cli.diagnostic_output import as_json, list_mistakes
from mockllm.cli.options import LOADING, SERVING, BadOption, add, settled, wanted
from mockllm.core.display import brief
from mockllm.core.json.codec import Json, pretty
from mockllm.core.request.request_hash import request_hash
from mockllm.engine import Engine
from mockllm.engine.near_misses import shown
from mockllm.scenario.compiler import compile_catalog, finished
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.loader import load_scenarios
from mockllm.state.sessions import Sessions
from mockllm.testing.expectations import duration
from mockllm.testing.match_trace import MatchTrace, TraceEntry, match_trace
from mockllm.testing.request_files import InvalidRequestFile, RequestFile, read_given

SEED: Final = next(option for option in SERVING if option.key == "seed")
WHY: Final = {"limited": "its limit is reached", "overloaded": "its load leaves no room"}
"""Why a modifier turns a request away."""
CHUNKS: Final = 6
"""So many of the first chunks are shown."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "request",
        metavar="REQUEST.json",
        help="a request in an example's words, an example with its steps, recorded (path, headers, body), or a "
        "provider's body; "
        "- reads it from the standard input",
    )
    add(parser, (*LOADING, SEED))
    parser.add_argument("--json", action="store_true", help="the explanation as JSON")


def run(given: argparse.Namespace) -> int:
    """0 where it was explained, 2 for mistakes in the request or the files."""
    values = settled(given, (*LOADING, SEED), os.environ)
    asked = wanted(values, os.environ)
    raw, name = read_request(given.request)
    gathered = load_scenarios(asked)
    if gathered.mistakes:
        return _refuse(gathered.mistakes, given.json)
    try:
        runs = read_given(raw, name, asked.vocabulary)
    except InvalidRequestFile as error:
        return _refuse(error.mistakes, given.json)
    catalog = finished(compile_catalog(gathered.entries))
    trails = [
        each for run in runs for each in followed(run, Engine(catalog, Sessions(), seed=values["seed"]))
    ]
    if given.json:
        reports = [report(*each) for each in trails]
        print(pretty(reports[0] if len(reports) == 1 else reports).decode())
    else:
        print("\n\n".join("\n".join(explained(*each)) for each in trails))
    return 0


def followed(run: Sequence[RequestFile], engine: Engine) -> Iterator[tuple[RequestFile, MatchTrace]]:
    """The trail of each request, seen before it is counted. What is asked in turn finds the requests before it
    answered, on state that begins empty here, whatever a running server has counted."""
    now = time.time()
    for given in run:
        now += given.after
        request = given.sent.read_by(engine, now)
        found = match_trace(engine, request)
        yield given, found
        lease = engine.respond(request).lease
        now += found.outcome.took
        if lease is not None:
            lease.end()


def read_request(name: str) -> tuple[bytes, str]:
    """The file's bytes, and what it is called. Raises BadOption."""
    if name == "-":
        return sys.stdin.buffer.read().removeprefix(BOM_UTF8), "request"
    try:
        with open(name, "rb") as file:
            return file.read().removeprefix(BOM_UTF8), name  # some editors and shells put it there
    except OSError as error:
        raise BadOption(f"{name}: {error.strerror}") from None


def _refuse(mistakes: Sequence[Diagnostic], json: bool) -> int:
    if json:
        print(pretty({"mistakes": [as_json(mistake) for mistake in mistakes]}).decode())
    else:
        list_mistakes(mistakes, sys.stderr)
    return 2


# --- for people ------------------------------------------------------------------------------------


def explained(given: RequestFile, found: MatchTrace) -> Iterator[str]:
    """The explanation, line by line."""
    request = found.request
    step = "" if given.step is None else f"Step {given.step}: "
    about = [f"{step}{request.method} {request.path}"]
    about += [f"model {request.model}"] if request.model is not None else []
    about += [f"user {brief(request.user)}"] if request.user is not None else []
    yield ", ".join(about)
    if given.guess is not None:
        yield f"({given.guess})"
    yield f"hash {request_hash(request)}"
    yield ""
    yield verdict(found)
    yield from _section("Rules, in the order they are tried:", _rules(found))
    modifiers = [f"  {shown(item)}" for item in found.applied]
    modifiers += [f"  {why}" for _, why in found.spared]
    yield from _section("Modifiers that apply:" if found.applied else "Modifiers:", modifiers)
    yield from _section("What would be sent:", [f"  {line}" for line in sent(found)])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from lines


def verdict(found: MatchTrace) -> str:
    """What becomes of it, in a line."""
    answer, settled = found.outcome.answer, found.settled
    rule = next((tried for tried in found.tried if tried.fate in ("answers", "would answer")), None)
    if settled.outcome == "modifier":
        return f"{answer.rule} answers with its error" + (f", in place of {rule.rule}" if rule else "")
    if settled.outcome in ("limited", "overloaded"):
        return f"{answer.rule} answers: {WHY[settled.outcome]}" + (
            f", in place of {rule.rule}" if rule else ""
        )
    if settled.outcome == "invalid":
        return "The request is invalid, and refused as the provider would" + (
            f"; else {rule.rule}" if rule else ""
        )
    if rule is not None and not answer.missed:
        return f"{rule.rule} answers" + (f" ({found.step})" if found.step else "")
    if answer.rule is not None:
        return f"No rule is asked: {answer.rule} answers by itself"
    return "No rule answers"


def _rules(found: MatchTrace) -> list[str]:
    width = max((len(str(tried.number)) for tried in found.tried), default=1)
    lines = [f"  {tried.number:>{width}}  {_fate(tried)}" for tried in found.tried]
    if found.unshown:
        lines.append(f"  {'':>{width}}  {found.unshown} more did not match, and differ more")
    return lines


def _fate(tried: TraceEntry) -> str:
    if tried.why:
        return tried.why
    name = tried.rule.rpartition(":")[2]
    fate = "would match, but comes later" if tried.fate == "comes later" else tried.fate
    return f"{tried.where} {name}: {fate}"


def sent(found: MatchTrace) -> Iterator[str]:
    """What would be sent, line by line."""
    outcome, plan = found.outcome, found.outcome.answer.plan
    heard, kind = outcome.heard, outcome.headers.get("content-type")
    streamed = "streamed" if plan.streamed else "in one piece"
    yield f"status {plan.head.status}, {streamed}" + (f", {kind}" if kind else "")
    if outcome.answer.error is not None:
        yield f"error {outcome.answer.error}"
    yield from (
        f"says: {line}" if not number else f"      {line}" for number, line in enumerate(outcome.message)
    )
    if heard is not None:
        for name in ("thinking", "text", "refusal"):
            value = getattr(heard, name)
            if value is not None:
                yield f"{name}: {brief(value)}"
        for call in heard.calls:
            yield f"calls {call.name} with {brief(call.arguments)}"
        if heard.finish is not None:
            yield f"finish_reason: {heard.finish}"
        if heard.usage is not None:
            yield f"usage: {heard.usage.input} in, {heard.usage.output} out"
        if heard.chunks is not None:
            first = ", ".join(map(brief, heard.chunks[:CHUNKS])) + (
                " …" if len(heard.chunks) > CHUNKS else ""
            )
            yield f"{len(heard.chunks)} chunk{'s' * (len(heard.chunks) != 1)}: {first}"
    yield _times(found)
    yield from (f"fault played: {fault}" for fault in outcome.answer.faults)
    yield from (f"note: {note}" for note in outcome.answer.notes)


def _times(found: MatchTrace) -> str:
    plan = found.outcome.answer.plan
    times = [f"head after {duration(plan.delay)}"]
    if found.ttft is not None:
        times.append(f"first chunk after {duration(found.ttft)}")
    return ", ".join([*times, f"all after {duration(found.outcome.took)}"])


# --- for programs ----------------------------------------------------------------------------------


def report(given: RequestFile, found: MatchTrace) -> Json:
    """The explanation as JSON; times in seconds."""
    request = found.request
    return {
        "request": {
            "method": request.method,
            "path": request.path,
            "provider": request.provider,
            "api": request.api,
            "model": request.model,
            "hash": request_hash(request),
        },
        "guess": given.guess,
        "example_step": given.step,
        "outcome": _outcome(found),
        "rule": found.outcome.answer.rule,
        "step": found.step,
        "tried": [_tried(tried) for tried in found.tried],
        "unshown": found.unshown,
        "modifiers": [item.id for item in found.applied],
        "spared": [item.id for item, _ in found.spared],
        "sent": _sent(found),
    }


def _sent(found: MatchTrace) -> Json:
    outcome, answer, heard = found.outcome, found.outcome.answer, found.outcome.heard
    plan = answer.plan
    return {
        "status": plan.head.status,
        "headers": dict(outcome.headers),
        "streamed": plan.streamed,
        "error": answer.error,
        "message": "\n".join(outcome.message) or None,
        "text": None if heard is None else heard.text,
        "tool_calls": []
        if heard is None
        else [{"name": c.name, "arguments": c.arguments} for c in heard.calls],
        "finish_reason": None if heard is None else heard.finish,
        "chunks": None if heard is None or heard.chunks is None else len(heard.chunks),
        "first_chunks": None if heard is None or heard.chunks is None else list(heard.chunks[:CHUNKS]),
        "delay": plan.delay,
        "ttft": found.ttft,
        "took": outcome.took,
        "faults": list(answer.faults),
        "notes": list(answer.notes),
    }


def _outcome(found: MatchTrace) -> str:
    """rule, modifier, invalid, miss; or dialect, where the protocol answers by itself."""
    if found.outcome.answer.missed:
        return "miss"
    return "dialect" if found.settled.outcome == "miss" else found.settled.outcome


def _tried(tried: TraceEntry) -> Json:
    return {
        "rule": tried.rule,
        "where": tried.where,
        "number": tried.number,
        "fate": tried.fate,
        "why": tried.why.partition(": ")[2] or None,
    }
