"""Names and signatures of `mockllm.testing` and of its pytest plugin, and the texts that they show."""

from __future__ import annotations

import inspect
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, Final
from unittest.mock import Mock

import pytest

import mockllm.testing
from mockllm.testing import MockLLM
from tests.snapshots.served import LINE_MASKS, TEXT_MASKS
from tests.snapshots.snapshot import check_snapshot, mask_text
from tests.waiting import PATIENCE

PLUGIN: Final = "mockllm_server"
"""The name of the entry point in the group `pytest11`."""
THIS_FILE: Final = (r"\S*test_testing_api\.py:\d+", "<test file>")
EXTRA_MASKS: Final = (
    THIS_FILE,
    (r"\b\d\d:\d\d:\d\d ", "<time> "),
    (r" (\d{3}) [\d.]+m?s\b", r" \1 <took>"),
)
SPECIAL: Final = ("__enter__", "__aenter__", "__len__", "__iter__", "__getitem__")
FIELDS: Final = ("method", "path", "provider", "api", "model", "stream", "system", "user", "tools", "api_key",
    "session", "rule", "modifiers", "status", "error", "faults", "missed", "notes")  # fmt: skip


def signature_of(built: Any) -> str:
    """Parameters with their defaults, without annotations."""
    signature = inspect.signature(built)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()
    ]
    plain = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return str(plain)


def members_of(built: object) -> Iterator[str]:
    """A line for each public member of an object, inherited ones too."""
    builtin = set(dir(Exception if isinstance(built, Exception) else object))
    for name in sorted(set(dir(built)) - builtin):
        if name.startswith("_") and name not in SPECIAL:
            continue
        value = inspect.getattr_static(type(built), name, None)
        yield f"  {name}{signature_of(value) if inspect.isfunction(value) else ''}\n"


def test_public_objects_of_testing_have_expected_members() -> None:
    with MockLLM() as server:
        rule = server.error({"type": "rate_limit", "retry_after": "20s"})
        for _ in range(2):
            ask(server.base_url, "/v1/chat/completions", chat("hello"))
        verdicts = server.verdicts
        objects = {
            "MockLLM": server,
            "MockSession": server.session("mine"),
            "Received": server.requests[0],
            "Verdicts": verdicts,
            "Verdict": verdicts[0],
            "Broken": broken(reply=5),
        }
    for name, built in objects.items():
        assert type(built) is getattr(mockllm.testing, name)
    objects["rule given in code"] = rule
    outputs = [f"{name}\n{''.join(members_of(built))}" for name, built in objects.items()]
    outputs += [f"MockLLM{signature_of(MockLLM)}\n", f"names: {', '.join(sorted(mockllm.testing.__all__))}\n"]
    check_snapshot("testing/objects.txt", "\n".join(outputs))


def test_pytest_plugin_has_expected_fixtures_and_options(request: pytest.FixtureRequest) -> None:
    plugin = request.config.pluginmanager.get_plugin(PLUGIN)
    assert plugin is not None
    values = vars(plugin).items()
    fixtures = [name for name, value in values if type(value).__name__ == "FixtureFunctionDefinition"]
    parser = Mock()
    plugin.pytest_addoption(parser)
    options = [f"{call.args[0]} {call.kwargs['type']}" for call in parser.addini.call_args_list]
    lines = request.config.getini("markers")
    markers = [line.partition(": ")[0] for line in lines if line.startswith("mockllm")]
    outputs = [f"fixture {name}" for name in fixtures]
    outputs += [f"option {name}" for name in options] + [f"marker {name}" for name in markers]
    check_snapshot("testing/plugin.txt", "".join(f"{line}\n" for line in sorted(outputs)))


def ask(url: str, path: str, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    headers = {
        "content-type": "application/json",
        "user-agent": "snapshot/1",
        "authorization": "Bearer key-1",
    }
    request = urllib.request.Request(url + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            response.read()
    except urllib.error.HTTPError as error:
        error.close()


def chat(user: str, model: str = "gpt-4o") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": user}]}


def complaint(action: Any) -> str:
    with pytest.raises(AssertionError) as raised:
        action()
    return str(raised.value)


def test_mock_server_after_requests_has_expected_texts() -> None:
    server = MockLLM(seed=7, strict=True, all_used=True).start()
    server.reply("Hi", match={"user": "hello"}, name="greeting")
    server.error({"type": "rate_limit", "retry_after": "20s"}, match={"model": "busy"}, name="busy")
    server.sequence("one", {"error": "overloaded"}, match={"user": "never"}, name="never")
    server.modifier(name="late", match={"user": "x"}, delay="1s")
    for user, model in (("hello", "gpt-4o"), ("hullo", "gpt-4o"), ("x y", "busy"), ("x y", "busy")):
        ask(server.base_url, "/v1/chat/completions", chat(user, model))
    with server.session("mine") as session:
        session.reply("Only here.")
        ask(session.base_url, "/v1/messages", {**chat("hello", "claude-x"), "max_tokens": 9})
        mine = [request.rule for request in session.requests]
    verdicts = server.verdicts
    server.stop()
    received = [
        json.dumps({name: getattr(request, name) for name in FIELDS}, default=list)
        for request in server.requests
    ]
    output = {
        "journal": server.journal(),
        "received": "\n".join(received),
        "session": str(mine),
        "unused": "\n".join(server.unused_rules),
        "check": complaint(server.check),
        "verify": complaint(lambda: server.verify({"user": "hello"}, times=3)),
        "verify nothing": complaint(lambda: server.verify({"model": "other"})),
        "verdicts": str(verdicts),
        "verdict names": f"{verdicts.names}",
        "verdict check": complaint(verdicts.check),
        "environment": "\n".join(sorted(server_environment())),
    }
    text = "".join(f"=== {name}\n{value}\n" for name, value in output.items())
    check_snapshot("testing/texts.txt", mask_text(text, *TEXT_MASKS, *LINE_MASKS, *EXTRA_MASKS))


def server_environment() -> list[str]:
    with MockLLM() as server:
        return [
            f"{name}={value}".replace(str(server.port), "<port>")
            for name, value in server.environment.items()
        ]


def broken(**words: Any) -> Exception:
    with MockLLM() as server, pytest.raises(mockllm.testing.Broken) as raised:
        server.rule(**words)
    return raised.value


def test_rule_with_mistakes_raises_expected_broken_text() -> None:
    outputs = [
        broken(match={"usr": "hello"}, reply="Hi"),
        broken(match={"user": "hello"}, reply=500),
        broken(match={"user": "hello"}, error="rate_limits"),
        broken(match={"user": {"regex": "("}}),
    ]
    text = "".join(f"===\n{item}\n" for item in outputs)
    check_snapshot("testing/broken.txt", mask_text(text, THIS_FILE))
