"""What a running server shows: responses, log lines, journal, metrics, control API, and commands that ask it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.process import Process, serving
from tests.snapshots.openapi import Normalised
from tests.snapshots.served import (
    REQUESTS,
    SCENARIOS,
    STATIC,
    Request,
    body_of,
    log_lines,
    masked,
    requested,
    send,
    server_command,
)
from tests.snapshots.snapshot import check_snapshot, check_snapshots, mask_text, to_json

JOURNALED: Final = (2, 3, 4, 5, 7, 8, 12, 15, 16, 20, 21, 25, 26, 27)
EXPECTATIONS: Final = """\
expect:
  - {match: {model: gpt-4o, user: {contains: hello}}, at_least: 2}
  - {match: {user: {contains: weather}}, exactly: 1}
  - {rule: "a.yaml:busy", at_most: 1}
in_order: true
"""
COMMANDS: Final = {
    "requests": "requests --json --last 100",
    "requests-missed": "requests --json --missed",
    "requests-text": "requests --last 4 --status 429",
    "verify-failing": "verify expectations.yaml --json",
    "verify-text": "verify expectations.yaml",
    "verify-passing": "verify passing.yaml --json",
    "verify-unmatched": "verify --no-unmatched --all-rules-used --json",
    "verify-session": "verify passing.yaml --session one --json",
    "verify-mistake": "verify mistake.yaml --json",
    "verdict": "verdict --json",
    "verdict-text": "verdict --fail-on gave_up",
    "verdict-junit": "verdict --junit -",
}
CHANGES: Final[tuple[Request, ...]] = (
    ("POST", "/api/rules", {}, "match: {user: new}\nreply: Newly added.\n"),
    ("POST", "/api/rules", {}, "match: {usr: new}\nreply: 5\n"),
    ("PUT", "/api/rules/named", {}, {"match": {"model": "x"}, "error": "overloaded"}),
    ("POST", "/api/rules?session=one", {}, {"modifiers": [{"name": "late", "delay": "1s"}]}),
    ("PATCH", "/api/config/global", {}, {"delay": "200ms"}),
    ("PATCH", "/api/config/endpoints/openai-chat", {}, {"error": "overloaded"}),
    ("PATCH", "/api/config/endpoints/none", {}, {"delay": "1s"}),
    ("GET", "/api/config", {}, None),
    ("GET", "/api/overlay", {}, None),
    ("GET", "/api/overlay.yaml", {}, None),
    ("POST", "/api/explain", {}, {"user": "hello", "model": "gpt-4o"}),
    ("DELETE", "/api/rules/named", {}, None),
    ("POST", "/api/config/reset", {}, None),
    ("POST", "/api/rate-limit/reset", {}, None),
    ("POST", "/api/reset", {}, {"what": ["state", "journal"]}),
    ("PUT", "/api/requests", {}, None),
)


def control(server: Process, path: str) -> str:
    return body_of(send(server.port, ("GET", path, {}, None)))


def metrics(text: str) -> str:
    """Names, labels and counts, without help texts and without what depends on time."""
    samples = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# HELP"))
    return mask_text(
        samples,
        (r'^(\S+_bucket\{.*le="[\d.]+"\}) .*$', r"\1 <count>"),
        (r"^(\S+_sum(\{.*\})?) .*$", r"\1 <seconds>"),
    )


def exported(lines: str) -> str:
    return "".join(masked(line) for line in lines.splitlines())


def show(server: Process, folder: Path) -> dict[str, str]:
    """Everything that is looked at, by the name of its expected file."""
    output = {"responses.txt": requested(server), "log.txt": log_lines(server, len(REQUESTS))}
    names = {
        line.partition(":")[0]
        for line in output["responses.txt"].splitlines()
        if line.startswith("x-mockllm-")
    }
    output["headers.txt"] = "".join(f"{name}\n" for name in sorted(names))
    text = control(server, "/metrics")
    output["metrics.txt"] = metrics(text)
    output["metrics-help.txt"] = "".join(
        f"{line}\n" for line in text.splitlines() if line.startswith("# HELP")
    )
    output["control.txt"] = "".join(f"=== {path}\n{masked(control(server, '/' + path))}\n" for path in STATIC)
    output["journal.txt"] = "".join(masked(control(server, f"/api/requests/{id}")) for id in JOURNALED)
    output["rules.txt"] = "".join(masked(control(server, f"/api/requests/{id}/rule")) for id in (2, 16))
    output["export.har.json"] = masked(control(server, "/api/requests/export?format=har"))
    output["export.jsonl.txt"] = exported(control(server, "/api/requests/export?format=jsonl"))
    for name, command in COMMANDS.items():
        output[f"command-{name}.txt"] = server_command(server, folder, *command.split())
    openapi = Normalised(json.loads(control(server, "/api/openapi.json")))
    output["openapi.json"] = to_json(openapi.document)
    output["openapi-texts.json"] = to_json(dict(sorted(openapi.texts.items())))
    calls = sorted((path, method) for path, change in openapi.document["paths"].items() for method in change)
    output["calls.txt"] = "".join(f"{method.upper()} {path}\n" for path, method in calls)
    changed = (
        f"=== {change[0]} {change[1]}\n{masked(body_of(send(server.port, change)))}\n" for change in CHANGES
    )
    output["changes.txt"] = "".join(changed)
    return {name: text.replace(str(folder), "<folder>") for name, text in output.items()}


def write_scenarios(folder: Path) -> None:
    (folder / "s").mkdir()
    (folder / "s" / "a.yaml").write_text(SCENARIOS, encoding="utf-8")


def test_server_after_fixed_requests_shows_expected(tmp_path: Path) -> None:
    write_scenarios(tmp_path)
    (tmp_path / "expectations.yaml").write_text(EXPECTATIONS, encoding="utf-8")
    (tmp_path / "passing.yaml").write_text("expect: [{match: {user: {contains: hello}}}]\n", encoding="utf-8")
    (tmp_path / "mistake.yaml").write_text("expect: [{match: {usr: x}, exactly: -1}]\n", encoding="utf-8")
    options = ("--scenarios", "s", "--seed", "7", "--allow-overrides", "--no-reload")
    with serving(*options, cwd=tmp_path) as server:
        output = show(server, tmp_path)
    check_snapshots({f"server/{name}": text for name, text in output.items()})


def test_verbose_server_on_requests_logs_expected(tmp_path: Path) -> None:
    write_scenarios(tmp_path)
    with serving("--scenarios", "s", "--seed", "7", "--verbose", "--strict", cwd=tmp_path) as server:
        for request in REQUESTS[1:10]:
            send(server.port, request)
        check_snapshot("server/log-verbose.txt", log_lines(server, 9))
