"""`mockllm explain` of requests that the server itself responds to: its pages, refused headers, the control API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.explain_command import report, run

PREFLIGHT = {"Origin": "http://a.example", "Access-Control-Request-Method": "POST"}
RULES = """\
rules:
  - {name: health, match: {path: /health}, http: {status: 201}}
  - {name: below, match: {path: /health/below}, http: {status: 202}}
  - {name: metrics, match: {path: /metrics}, http: {status: 203}}
  - {name: own, match: {path: /api/own}, http: {status: 205}}
  - {name: any, reply: Any.}
"""


@pytest.fixture(autouse=True)
def scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scenarios").mkdir()
    Path("scenarios/a.yaml").write_text(RULES, encoding="utf-8")


@pytest.mark.parametrize(
    ("method", "path", "headers", "name", "status"),
    [
        ("POST", "/health", {}, "health", 405),
        ("GET", "/health/below", {}, "health", 404),
        ("GET", "/s/one/health", {}, "health", 200),
        ("OPTIONS", "/v1/chat/completions", PREFLIGHT, "preflight", 204),
        ("GET", "/metrics", {}, "control", None),
        ("POST", "/api/reload", {}, "control", None),
        ("GET", "/api/nothing", {}, "control", None),
        ("GET", "/dashboard", {}, "control", None),
    ],
)
def test_explain_response_of_server(
    method: str,
    path: str,
    headers: dict[str, str],
    name: str,
    status: int | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = report({"method": method, "path": path, "headers": headers}, capsys)
    assert (found["outcome"], found["rule"], found["tried"]) == ("dialect", f"mockllm:{name}", [])
    assert found["sent"]["status"] == status


@pytest.mark.parametrize(
    ("method", "path", "headers", "rule"),
    [
        ("GET", "/api/own", {}, "a.yaml:own"),
        ("GET", "/openai/health", {}, "a.yaml:health"),
        ("OPTIONS", "/x", {}, None),
        ("GET", "/ws/x", {}, None),
    ],
)
def test_explain_path_like_one_of_server(
    method: str, path: str, headers: object, rule: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report({"method": method, "path": path, "headers": headers}, capsys)["rule"] == rule


def test_explain_call_of_control_api(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"method": "GET", "path": "/metrics"}) == 0
    out = capsys.readouterr().out
    assert "No rule is tried: mockllm:control responds by itself" in out
    assert out.endswith("What would be sent:\n  a response of the control API, which is not shown here\n")


@pytest.mark.parametrize(
    ("option", "method", "path", "rule"),
    [
        (("--no-cors",), "OPTIONS", "/v1/chat/completions", None),
        (("--no-cors",), "GET", "/metrics", "mockllm:control"),
        (("--admin-port", "9001"), "GET", "/metrics", "a.yaml:metrics"),
        (("--admin-port", "9001"), "OPTIONS", "/v1/chat/completions", "mockllm:preflight"),
    ],
)
def test_explain_follows_options_of_server(
    option: tuple[str, ...], method: str, path: str, rule: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    found = report({"method": method, "path": path, "headers": PREFLIGHT}, capsys, *option)
    assert found["rule"] == rule


@pytest.mark.parametrize("header", ["x-mockllm-seed", "x-mockllm-session"])
def test_explain_invalid_header_of_server(header: str, capsys: pytest.CaptureFixture[str]) -> None:
    request = {"user": "hi", "headers": {header: "not one"}}
    found = report(request, capsys)
    assert (found["outcome"], found["rule"], found["modifiers"]) == ("invalid", None, [])
    assert found["sent"]["status"] == 400
    assert header in found["sent"]["message"]
    assert [tried["fate"] for tried in found["tried"]][-1] == "would answer"
    assert run(request) == 0
    assert (
        "The request is invalid and refused in the provider's form; otherwise a.yaml:any\n"
        in capsys.readouterr().out
    )


def test_explain_follows_allowed_overrides(capsys: pytest.CaptureFixture[str]) -> None:
    request = {"user": "hi", "headers": {"x-mockllm-delay": "2s"}}
    assert report(request, capsys, "--allow-overrides")["sent"]["delay"] == 2
    found = report(request, capsys)["sent"]
    assert found["delay"] == 0
    assert found["notes"] == ["ignored x-mockllm-delay: the server runs without --allow-overrides"]
