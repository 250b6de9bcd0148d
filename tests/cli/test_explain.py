"""`mockllm explain`: which rule would respond, why, and what would be sent."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

from mockllm.cli.main import main
from tests.cli.explain_command import SCENARIO, report, run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO, encoding="utf-8")


def test_explain_escapes_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    name = "gpt-\x1b[2J\x07\u202e\nmade up"
    assert run({"model": name, "user": "hello \x1b[2J"}) == 0
    output = capsys.readouterr().out
    assert all(line.isprintable() for line in output.splitlines())
    assert r"model gpt-\x1b[2J\x07\u202e\nmade up, user" in output


def test_explain_prints_rule_modifiers_and_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"model": "gpt-4", "user": "hey", "stream": True, "query": {"late": "1"}}) == 0
    first, hash, *rest = capsys.readouterr().out.splitlines()
    assert re.fullmatch("hash [0-9a-f]{64}", hash)
    assert [first, *rest] == [
        'POST /v1/chat/completions, model gpt-4, user "hey"',
        "",
        "a.yaml:turns responds (step 1 of 2)",
        "",
        "Rules, in the order they are tried:",
        '  1  scenarios/a.yaml:2 greeting: user expected contains "hello", found "hey"',
        "  2  scenarios/a.yaml:5 rare: matched, but lost its 0.001% chance",
        '  3  scenarios/a.yaml:9 shout: user expected "HELLO", found "hey"',
        "  4  scenarios/a.yaml:12 turns: answers",
        "  5  scenarios/a.yaml:16 second: would match, but comes later",
        "",
        "Modifiers that apply:",
        "  scenarios/a.yaml:18 late",
        "  scenarios/a.yaml:20 seldom: matched, but used up (times: 0)",
        "",
        "What would be sent:",
        "  status 200, streaming, text/event-stream; charset=utf-8",
        '  text: "One two three."',
        "  finish_reason: stop",
        "  usage: 8 in, 4 out",
        '  3 chunks: "One", " two", " three."',
        "  head after 1s, first chunk after 1.2s, all after 1.3s",
    ]


def test_explain_counts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    request = {"provider": ["openai", "anthropic"], "model": "gpt-4", "user": "hey"}
    first, second = report(request, capsys)
    assert (first["step"], second["step"]) == ("step 1 of 2", "step 1 of 2")
    assert (first["request"]["provider"], second["request"]["provider"]) == ("openai", "anthropic")


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    result = report({"model": "x", "user": "hello"}, capsys)
    assert result["outcome"] == "rule"
    assert result["rule"] == "a.yaml:greeting"
    assert [(item["number"], item["fate"]) for item in result["tried"]] == [
        (1, "answers"),
        (5, "comes later"),
    ]
    assert result["modifiers"] == []
    assert result["spared"] == ["a.yaml:seldom"]
    sent = result["sent"]
    assert (sent["status"], sent["streamed"], sent["text"]) == (200, False, "Hi, x here.")
    assert (sent["chunks"], sent["ttft"], sent["took"]) == (None, None, 0)
    assert sent["headers"]["x-mockllm-rule"] == "a.yaml:greeting"


def test_explain_hash_matches_rule(capsys: pytest.CaptureFixture[str]) -> None:
    request = {"model": "gpt-4", "user": "again"}
    hash = report(request, capsys)["request"]["hash"]
    assert run(request) == 0
    assert f"\nhash {hash}\n" in capsys.readouterr().out
    rule = f"rules: [{{name: recorded, match: {{hash: {hash}}}, reply: Again.}}]"
    Path("scenarios/a.yaml").write_text(rule, encoding="utf-8")
    assert report(request, capsys)["rule"] == "a.yaml:recorded"


def test_explain_modifier_error_replaces_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"user": "hello", "query": {"fail": "1"}}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "a.yaml:outage responds with its error, in place of a.yaml:greeting"
    assert "  1  scenarios/a.yaml:2 greeting: would answer" in lines
    assert "  error overloaded" in lines


def test_explain_invalid_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"path": "/v1/messages", "body": {"model": "m", "messages": []}}) == 0
    out = capsys.readouterr().out
    assert "The request is invalid and refused in the provider's form; otherwise a.yaml:second\n" in out
    assert "status 400, non-streaming" in out


def test_explain_of_unmatched_request_prints_near_misses(capsys: pytest.CaptureFixture[str]) -> None:
    Path("scenarios/a.yaml").write_text(
        "rules: [{name: a, match: {model: gpt-5}, reply: A.}]", encoding="utf-8"
    )
    assert run({"model": "gpt-4"}) == 0
    out = capsys.readouterr().out
    assert "\nNo rule matches\n" in out
    assert '  1  scenarios/a.yaml:1 a: model expected "gpt-5", found "gpt-4"' in out
    assert "status 404" in out
    assert report({"model": "gpt-4"}, capsys)["outcome"] == "miss"


def test_explain_has_the_note_on_a_missing_base_path(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    request = {"method": "POST", "path": "/chat/completions", "body": body}
    note = "OpenAI's base URL ends with /v1; a rule with path: /v1/… does not match this request"
    assert run(request) == 0
    assert f"  note: {note}\n" in capsys.readouterr().out
    assert report(request, capsys)["sent"]["notes"] == [note]


def test_explain_has_the_note_on_a_misspelt_header(capsys: pytest.CaptureFixture[str]) -> None:
    request = {"user": "hey", "headers": {"X-Mockllm-Sesion": "a"}}
    (note,) = report(request, capsys)["sent"]["notes"]
    assert note == 'unknown header "x-mockllm-sesion"; did you mean x-mockllm-session?'
    invalid = {"user": "hey", "headers": {"x-mockllm-seed": "nine"}}
    (note,) = report(invalid, capsys)["sent"]["notes"]
    assert note.startswith("x-mockllm-seed: expected a whole number")


def test_explain_call_without_rule(capsys: pytest.CaptureFixture[str]) -> None:
    request = {"method": "GET", "path": "/v1/models"}
    assert report(request, capsys)["outcome"] == "dialect"
    assert run(request) == 0
    out = capsys.readouterr().out
    assert "No rule is tried: openai:models responds by itself" in out
    assert "greeting: matches generating calls only, since it names no api and no path" in out


@pytest.mark.parametrize(
    ("path", "name", "type"), [("/", "home", "text/plain"), ("/health", "health", "application/json")]
)
def test_explain_page_of_server(path: str, name: str, type: str, capsys: pytest.CaptureFixture[str]) -> None:
    request = {"method": "GET", "path": path}
    found = report(request, capsys)
    assert (found["outcome"], found["rule"], found["tried"]) == ("dialect", f"mockllm:{name}", [])
    assert found["sent"]["status"] == 200
    assert found["sent"]["headers"]["content-type"].startswith(type)
    assert run(request) == 0
    assert f"No rule is tried: mockllm:{name} responds by itself" in capsys.readouterr().out


@pytest.mark.parametrize(("method", "path"), [("POST", "/"), ("GET", "/openai/")])
def test_explain_path_like_that_of_page(method: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report({"method": method, "path": path}, capsys)["outcome"] == "miss"


def test_explain_many_rules_shows_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    rules = "".join(f"  - {{match: {{model: m-{n}, user: u}}, reply: a}}\n" for n in range(40))
    rules += "  - {match: {model: other, user: hi}, reply: a}\n  - {name: all, reply: a}\n"
    Path("scenarios/a.yaml").write_text("rules:\n" + rules, encoding="utf-8")
    result = report({"model": "x", "user": "hi"}, capsys)
    assert [item["number"] for item in result["tried"]] == [1, 2, 3, 4, 41, 42]
    assert result["unshown"] == 36
    assert run({"model": "x", "user": "hi"}) == 0
    assert "      36 more did not match, with larger differences" in capsys.readouterr().out


# --- what is taken for a request -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"model": "gpt-4", "messages": [{"role": "user", "content": "hello"}]}, "/v1/chat/completions"),
        ({"messages": [{"role": "user", "content": "hello"}], "temperature": 1}, "/v1/chat/completions"),
        ({"model": "claude-x", "messages": [], "max_tokens": 5}, "/v1/messages"),
        ({"model": "m", "system": "s", "messages": [{"role": "user", "content": "a"}]}, "/v1/messages"),
        ({"model": "m", "messages": [], "tools": [{"name": "t", "input_schema": {}}]}, "/v1/messages"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "/v1/messages"),
        ({"messages": "none"}, "/v1/chat/completions"),
        ({"contents": [{"parts": [{"text": "hi"}]}]}, "/v1beta/models/gemini-3.5-flash:generateContent"),
        ({"model": "gpt-4o", "input": "hi"}, "/v1/responses"),
        ({"model": "gpt-4o", "prompt": {"id": "pmpt_1"}}, "/v1/responses"),
        ({"model": "gpt-3.5-turbo-instruct", "prompt": "hi"}, "/v1/completions"),
        ({"model": "text-embedding-3-small", "input": "hi"}, "/v1/embeddings"),
        ({"model": "m", "input": ["hi"], "dimensions": 2}, "/v1/embeddings"),
        ({"model": "m", "input": ["hi"], "encoding_format": "float"}, "/v1/embeddings"),
        ({"model": "claude-x", "input": "hi", "messages": []}, "/v1/messages"),
    ],
    ids=[
        "plain",
        "a key of the provider",
        "claude",
        "a system text",
        "tools",
        "blocks",
        "no list",
        "contents",
        "an input",
        "a prompt template",
        "a prompt",
        "a model for embeddings",
        "dimensions",
        "a format of vectors",
        "an input beside messages",
    ],
)
def test_explain_reads_provider_body(body: object, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = report(body, capsys)
    assert result["request"]["path"] == path
    assert (
        result["guess"] == f'assumed to be the body of POST {path}; otherwise write {{"path": …, "body": …}}'
    )


def test_explain_ignores_byte_order_mark(capsys: pytest.CaptureFixture[str]) -> None:
    assert run('\ufeff{"user": "hello"}') == 0
    assert "a.yaml:greeting responds" in capsys.readouterr().out


def test_explain_reports_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"messages": [{"role": "user", "content": "hello"}]}) == 0
    assert (
        capsys.readouterr()
        .out.splitlines()[1]
        .startswith("(assumed to be the body of POST /v1/chat/completions;")
    )


@pytest.mark.parametrize(
    "request_", [{}, {"model": "x"}, {"model": "x", "stream": True}, {"system": "s", "n": 1, "stop": ["a"]}]
)
def test_explain_reports_default_text(request_: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(request_) == 0
    note = '(read as the request of an example: user "hi"; write {"body": …} for a body)'
    assert capsys.readouterr().out.splitlines()[1] == note


@pytest.mark.parametrize(
    "request_",
    [
        *({"model": "x", "user": "hello"}, {"user": "hi"}, {"provider": "openai"}, {"body": {"model": "x"}}),
        *({"request": {"model": "x"}}, {"steps": [{"request": {"model": "x"}}]}),
        {"mcp": {"server": "s", "tool": "t"}},
    ],
)
def test_explain_reports_no_default_text(request_: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(request_, capsys)["guess"] is None


def test_explain_neutral_request_with_messages(capsys: pytest.CaptureFixture[str]) -> None:
    result = report({"messages": [{"role": "user", "content": "hello"}], "tools": ["t"]}, capsys)
    assert result["guess"] is None
    assert result["rule"] == "a.yaml:greeting"


def test_explain_reads_recorded_request(capsys: pytest.CaptureFixture[str]) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    result = report({"path": "/v1/messages", "headers": {"x-api-key": "k"}, "body": body}, capsys)
    assert result["request"]["provider"] == "anthropic"
    assert result["rule"] == "a.yaml:greeting"


def test_explain_reads_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        report({"request": {"user": "hello"}, "expect": {"status": 200}}, capsys)["rule"] == "a.yaml:greeting"
    )


def test_explain_reads_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"user": "hello"}')))
    with pytest.raises(SystemExit) as exit:
        main(["explain", "-"])
    assert exit.value.code == 0
    assert "a.yaml:greeting responds" in capsys.readouterr().out


# --- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ('{"user": "hi",\n  "modle": "x"}', 'request.json:2:3: modle: unknown key; did you mean "model"?'),
        (
            '{"model": "x", "zzz": 1}',
            'request.json:1:16: zzz: unknown key; for a provider\'s body write {"path": "/v1/responses", "body": …}',
        ),
        ('{"provider": "openai", "zzz": 1}', "request.json:1:24: zzz: unknown key"),
        ('{"n": 1, "n": 2, "modle": 3}', 'request.json:1:1: modle: unknown key; did you mean "model"?'),
        ('{"user": hi}', "request.json:1:10: this is not JSON: unexpected character"),
        ("[1]", "request.json:1:1: a request is an object, found a list"),
        ('{"steps": []}', "request.json:1:11: steps: expected a list of steps, found an empty list"),
        ('{"steps": [7]}', "request.json:1:12: steps[0]: expected a mapping, found the number 7"),
        (
            '{"steps": [{}, {"request": {"modle": 1}}]}',
            'request.json:1:29: steps[1].request.modle: unknown key; did you mean "model"?',
        ),
        (
            '{"steps": [{"request": {"messages": []}, "afte": 1}]}',
            'request.json:1:42: steps[0].afte: unknown key; did you mean "after"?',
        ),
        (
            '{"request": {"modle": 1}}',
            'request.json:1:14: request.modle: unknown key; did you mean "model"?',
        ),
        (
            '{"provider": "opnai"}',
            'request.json:1:14: provider: no provider is called "opnai"; did you mean "openai"?',
        ),
        (
            '{"provider": "openai", "api": "messages"}',
            "request.json:1:1: api: openai has no call messages with a neutral form; "
            "write its method and path",
        ),
    ],
    ids=[
        *("an unknown key", "the key of a body", "an unknown key beside a provider"),
        *("with a key twice", "no JSON", "no object"),
        *("no steps", "no step", "in a step", "beside a body", "in an example"),
        *("no provider", "no such call"),
    ],
)
def test_explain_with_invalid_request_exits_2(
    request_: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(request_) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0].startswith(text)
    assert err[1:] == ["1 mistake"]


def test_explain_with_invalid_scenario_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("scenarios/a.yaml").write_text("rule: []\n", encoding="utf-8")
    assert run({"user": "hi"}) == 2
    assert "scenarios/a.yaml:1:1: rule: unknown key" in capsys.readouterr().err
    assert run({"user": "hi"}, "--json") == 2
    assert json.loads(capsys.readouterr().out)["mistakes"][0]["path"] == "rule"


def test_explain_missing_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["explain", "nowhere.json"])
    assert exit.value.code == 2
    assert capsys.readouterr().err == "mockllm: nowhere.json: No such file or directory\n"


def test_explain_notes_thinking_without_form(capsys: pytest.CaptureFixture[str]) -> None:
    rules = "mockllm: 1\nrules: [{reply: {thinking: Hm., text: Yes.}}]\n"
    Path("scenarios", "a.yaml").write_text(rules, encoding="utf-8")
    assert run({"user": "hi"}) == 0
    assert "note: thinking left out: chat of openai has none; its tokens count" in capsys.readouterr().out


def test_explain_shows_rule_of_a_pack_by_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}')
    with pytest.raises(SystemExit):
        main(["explain", "--pack", "default", str(request)])
    lines = [line for line in capsys.readouterr().out.splitlines() if re.search(r"\.yaml:\d", line)]
    assert len(lines) > 3
    assert all(re.match(r" *\d*  (default|error-models|[\w-]+)/\w+\.yaml:\d", line) for line in lines)
