"""Recordings of other tools as scenario files: the import reports what it leaves out, and all else is replayed."""

# ruff: noqa: E501 - one line for each case

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli import importing, progress_bar
from mockllm.cli.main import main
from mockllm.core.json.codec import dumps
from mockllm.recordings.import_file import ImportFile, NotImported
from mockllm.recordings.importer import import_recordings
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.testing.example_runner import Suite
from tests.examples import some
from tests.language.virtual_server import VirtualServer, cases, raw_request
from tests.recordings.replay_check import replayed, transcripts
from tests.recordings.sample_files import (
    ANSWER,
    BODY,
    KEY,
    LOG,
    SSE,
    URL,
    again,
    take,
    vcrpy,
    warnings_of,
)
from tests.recordings.test_other_mocks import AIMOCK
from tests.recordings.test_raw_responses import CURL
from tests.testing.suites import results


def test_key_in_response_is_masked_and_reported() -> None:
    text = f'{{"echo": "{KEY}", "cookie": "session=private"}}'
    result = take(vcrpy({"string": text}))
    response = again(result)
    assert response.bytes == text.replace(KEY, "*" * len(KEY)).replace("session=private", "*" * 15).encode()
    assert "text that looks like a key" in result.notes[0]
    packed = vcrpy(
        {"base64_string": base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()},
        headers={"content-encoding": ["gzip"]},
    )
    assert again(take(packed)).bytes == response.bytes


def test_key_in_request_is_not_in_the_example() -> None:
    body = {**BODY, "note": f"mine is {KEY}"}
    request = {"method": "POST", "uri": URL, "body": json.dumps(body), "headers": {}}
    response = {"status": {"code": 200}, "headers": {}, "body": {"string": "x"}}
    result = take({"interactions": [{"request": request, "response": response}]})
    assert "contains a key" in result.text
    assert again(result, raw_request("/v1/chat/completions", body)).bytes == b"x"


def test_long_header_of_response_is_replayed() -> None:
    name = "x-" + "k" * 1100
    response = again(take(vcrpy({"string": "x"}, headers={name: ["one"], "x-other": ["two"]})))
    assert (response.headers[name], response.headers["x-other"]) == ("one", "two")


@pytest.mark.parametrize("url", ["https://[u:S3CRET@h/x", "https://[h/x?api_key=S3CRET"])
def test_error_for_a_url_has_no_secret(url: str) -> None:
    with pytest.raises(NotImported, match="this is not a URL") as raised:
        take({"log": {"entries": [{"request": {"url": url}, "response": {"status": 200}}]}})
    assert "S3CRET" not in str(raised.value)


def test_repeated_request_becomes_a_sequence() -> None:
    one, two = vcrpy({"string": "one"}), vcrpy({"string": "two"})
    both = {"interactions": [*one["interactions"], *two["interactions"]]}
    game = VirtualServer(take(both).text)
    assert [game.respond(raw_request("/v1/chat/completions", BODY)).bytes for _ in range(3)] == [
        b"one",
        b"two",
        b"two",
    ]


def test_imported_file_passes_its_own_tests(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(take(vcrpy({"string": ANSWER})).text, encoding="utf-8")
    assert [result.passed for result in results(tmp_path)] == [True]
    assert isinstance(Suite, type)


def test_examples_of_sequences_cover_each_response(tmp_path: Path) -> None:
    one, two, three = vcrpy({"string": "one"}), vcrpy({"string": "two"}), vcrpy({"string": "three"})
    one["interactions"][0]["response"]["status"] = {"code": 529, "message": "?"}
    other = vcrpy({"string": "four"})
    other["interactions"][0]["request"]["body"] = json.dumps({**BODY, "model": "other"})
    all = [one, two, three, other, other]
    (tmp_path / "a.yaml").write_text(
        take({"interactions": [item["interactions"][0] for item in all]}).text, encoding="utf-8"
    )
    text = (tmp_path / "a.yaml").read_text(encoding="utf-8")
    assert re.findall(r"status: (\d+)}}", text) == ["529", "200", "200", "200", "200"]
    assert [result.passed for result in results(tmp_path)] == [True, True]


@pytest.mark.parametrize(
    "body",
    ["", "\n", "\n\n", " leading\n space\n", "tab\tand\n\ttab", "a\r\nb\r\n\r\n", "trailing \n  \n\n", "# no comment\n",
     "${x} $${y} {{ z }}\n", "\x00\x07\n", "\u2028\n\ufeff\n", "a: b\n- c\n---\n...\n", "'\"\\\n", "é€😀\nx", "no end\nof line"],
)  # fmt: skip
def test_any_text_survives_writing(body: str) -> None:
    assert again(take(vcrpy({"string": body}))).bytes == body.encode()


@cases(
    "name, data, message",
    [
        ("a program", "a.py", "a = 1: 2\n", "a.py:1:1: expected a VCR cassette"),
        ("a broken cassette", "a.yaml", "a: b: 2\n", "a.yaml:1:5: an unquoted text"),
        ("nothing known", "a.json", {"a": 1}, "a.json:1:1: expected a VCR cassette"),
        ("no YAML", "a.yaml", "a: [", 'a.yaml:1:4: the "[" that opens here is never closed'),
        ("an empty file", "a.yaml", "", "the file is empty"),
        ("an empty cassette", "a.json", {"interactions": []}, "it contains no request with a response"),
        ("no uri", "a.json", '{"interactions": [\n{"request": {}, "response": {}}]}', "a.json:2:1: expected a request"),
        ("no status", "a.json", {"interactions": [{"request": {"uri": "/x"}, "response": {}}]}, "expected a status code"),
        ("no base64", "a.json", vcrpy({"base64_string": "?"}), "this is not base64"),
        ("no url in a HAR", "a.har", {"log": {"entries": [{}]}}, "expected a request with a url"),
        ("no url of a HAR", "a.har", {"log": {"entries": [{"request": {"url": "https://[x/v1"}, "response": {"status": 200}}]}}, 'a.har:1:20: this is not a URL: "https://[x/v1"'),
        ("no url of a cassette", "a.json", {"interactions": [{"request": {"uri": "https://[x/v1"}, "response": {"status": {"code": 200}}}]}, "this is not a URL"),
        ("no url of a log", "a.jsonl", {"url": "https://[x/v1", "request": {"model": "m"}, "response": {}}, "this is not a URL"),
        ("an answer that never came", "a.har", {"log": {"entries": [{"request": {"url": "/"}, "response": {"status": 0}}]}}, "no request with a response"),
        ("a line that is no JSON", "a.jsonl", '{"response": 1}\n{', "a.jsonl:1:1"),
        ("a line that is cut", "a.jsonl", f"{json.dumps(LOG)}\n{{", "a.jsonl:2:"),
        ("a line that is no object", "a.jsonl", f"{json.dumps(LOG)}\n[]", "a.jsonl:2:1: expected an object"),
        ("a line without a path", "a.jsonl", '{"request": {"x": 1}, "response": {}}', "use --path"),
        ("what curl wrote alone", "a.txt", CURL, "use --request"),
        ("an exchange without its request", "a.json", {"response": {"status": 200, "body": ""}}, "--request and --path"),
        ("a fixture without an answer", "a.json", {"fixtures": [AIMOCK["fixtures"][0], {}]}, "expected a fixture"),
        ("a mapping without an answer", "a.json", {"mappings": [{}]}, "expected a mapping"),
    ],
)  # fmt: skip
def test_invalid_import_is_reported_with_its_position(name: str, data: object, message: str) -> None:
    with pytest.raises(NotImported) as raised:
        take(data, name)
    assert message in str(raised.value)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exit:
        main(["import", *arguments])
    assert isinstance(exit.value.code, int)
    return exit.value.code


def test_import_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette, request, body = tmp_path / "a b.json", tmp_path / "r.json", tmp_path / "body.txt"
    cassette.write_bytes(dumps(vcrpy({"string": ANSWER}, headers={"content-encoding": ["br"]})))
    request.write_bytes(dumps(BODY))
    body.write_text(SSE, encoding="utf-8")
    out = tmp_path / "out"
    assert run(str(cassette), str(cassette), "--out", str(out)) == 0
    assert sorted(item.name for item in out.iterdir()) == ["a-b-2.yaml", "a-b.yaml"]
    output = capsys.readouterr()
    assert output.out == ""
    assert "1 imported" in output.err
    assert "note: " in output.err
    assert run("--request", str(request), "--path", "/v1/chat/completions", "--response", str(body)) == 0
    assert (
        VirtualServer(capsys.readouterr().out).respond(raw_request("/v1/chat/completions", BODY)).bytes
        == SSE.encode()
    )
    assert run(str(request), "--out", str(out)) == 1
    assert run() == 2
    assert run("nothing-there.json") == 2
    assert run(str(body), str(body), "--request", str(request)) == 2
    assert run(str(body), "--request", str(request)) == 1
    assert run(str(body), "--request", str(request), "--path", "v1") == 1
    (tmp_path / "file").write_text("")
    capsys.readouterr()
    assert run(str(cassette), "--out", str(tmp_path / "file")) == 1
    assert "mockllm: " in capsys.readouterr().err


def test_import_does_not_overwrite_an_edited_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_bytes(dumps(vcrpy({"string": ANSWER})))
    imported = Path("out/a.yaml")
    assert run("a.json", "--out", "out") == 0
    assert run("a.json", "--out", "out") == 0, "the same content is no mistake"
    for text in (imported.read_text() + "# my own line\n", "# my own file\n"):
        imported.write_text(text)
        capsys.readouterr()
        assert run("a.json", "--out", "out") == 1
        assert capsys.readouterr().err == (
            "mockllm: out/a.yaml: exists with other content, not overwritten; "
            "remove it, or choose another --out\n"
        )
        assert imported.read_text() == text


def test_import_names_steps_of_a_large_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "LARGE", 1)
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_bytes(dumps(vcrpy({"string": ANSWER})))
    assert run("a.json", "--out", "out") == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["reads a.json", "writes out/a.yaml", "out/a.yaml: 1 imported"]
    monkeypatch.setattr(progress_bar, "PIPE_INTERVAL", 0.0)
    assert run("a.json") == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["reads a.json", "1 exchange  a.json", "writes the rules of a.json"]


def test_import_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = dumps(vcrpy({"string": ANSWER}))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert run("-") == 0
    assert capsys.readouterr().out.startswith("# Imported from standard input\n")


def test_import_of_many_has_one_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them may take less than a second."""
    monkeypatch.setattr(progress_bar, "PIPE_INTERVAL", 0.0)
    monkeypatch.chdir(tmp_path)
    entries = vcrpy({"string": ANSWER})
    Path("a.json").write_bytes(dumps({**entries, "interactions": entries["interactions"] * 2}))
    assert run("a.json", "a.json", "--out", "out") == 0
    lines = capsys.readouterr().err.splitlines()
    assert "1/2 exchanges  file 2 of 2: a.json" in lines


def test_all_transcripts_replay_byte_for_byte() -> None:
    reader, bad, count = RequestParser(), [], 0
    for count, (name, recorded) in enumerate(some(transcripts(), 4), 1):  # noqa: B007 - printed at the end
        verdict = replayed(import_recordings(ImportFile(name, dumps(recorded)), reader).text, recorded)
        if verdict != "same":
            bad.append(f"{name}: {verdict}")
    if not count:
        pytest.skip("0 recordings of live providers at hand; those that this server makes are tested instead")
    print(f"{count} recordings came back byte for byte, but for {len(bad)}")
    assert bad == []


REQUESTED: Sequence[tuple[str, Mapping[str, Any], str]] = [
    ("/v1/chat/completions", BODY, ""),
    ("/v1/responses", {"model": "gpt-4o", "input": "hi"}, ""),
    ("/v1/messages", {"model": "claude-x", "max_tokens": 9, "messages": BODY["messages"]}, ""),
    ("/v1beta/models/gemini-x:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}, ""),
    ("/v1beta/models/gemini-x:streamGenerateContent", {"contents": [{"parts": [{"text": "hi"}]}]}, ""),
    ("/v1beta/models/gemini-x:streamGenerateContent", {"contents": [{"parts": [{"text": "hi"}]}]}, "alt=sse"),
    ("/azure/openai/deployments/d/chat/completions", BODY, "api-version=2024-10-21"),
    ("/groq/openai/v1/chat/completions", BODY, ""),
    ("/ollama/api/chat", {**BODY, "stream": False}, ""),
    ("/cohere/v2/chat", BODY, ""),
    ("/v1beta/interactions", {"model": "gemini-x", "input": "hi"}, ""),
    ("/model/anthropic.claude-x/converse", {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "query"), REQUESTED, ids=[f"{p}?{q}" for p, _, q in REQUESTED])
@pytest.mark.parametrize("streamed", [False, True])
def test_own_responses_replay_byte_for_byte(
    path: str, body: Mapping[str, Any], query: str, streamed: bool
) -> None:
    sent = {**body, "stream": True} if streamed and "contents" not in body else dict(body)
    request = raw_request(path, sent, query=query, headers={"anthropic-version": "2023-06-01"})
    response = VirtualServer("rules: [{reply: {text: 'One, two,\n\n three é', thinking: Hm.}}]").respond(
        request
    )
    assert response.status == 200
    recorded = {
        "request": {
            "method": "POST",
            "path": path,
            "query": query,
            "headers": dict(request.headers),
            "body": sent,
        },
        "response": {"status": response.status, "headers": response.headers, "body": response.bytes.decode()},
    }
    assert replayed(take(recorded).text, recorded) == "same"


def test_other_host_at_a_provider_path_has_its_prefix() -> None:
    recorded: dict[str, Any] = {
        "request": {"method": "POST", "host": "api.z.test:443", "path": "/api/v4/chat", "body": BODY},
        "response": {"status": 200, "headers": {}, "body": "hi"},
    }
    result = take(recorded)
    assert again(result, raw_request("/api.z.test/api/v4/chat", BODY)).bytes == b"hi"
    assert result.notes == []
    del recorded["request"]["host"]
    assert "reserves /api/v4/chat" in take(recorded).notes[0]


@pytest.mark.parametrize("host", ["api.groq.com", "api.groq.com:443", "ann:secret@API.groq.com:8443"])
def test_provider_is_known_by_its_host_alone(host: str) -> None:
    recorded = {
        "request": {"method": "POST", "host": host, "path": "/openai/v1/chat/completions", "body": BODY},
        "response": {"status": 200, "headers": {}, "body": "hi"},
    }
    assert again(take(recorded), raw_request("/groq/openai/v1/chat/completions", BODY)).bytes == b"hi"


def test_import_escapes_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    entry = {"url": "https://[\x1b[2J\u202e", "request": BODY, "response": json.loads(ANSWER)}
    log.write_text(json.dumps(entry), encoding="utf-8")
    assert run(str(log)) == 1
    output = capsys.readouterr().err
    assert all(line.isprintable() for line in output.splitlines())
    assert r'log.jsonl:1:1: this is not a URL: "https://[\x1b[2J\u202e"' in output


def test_equal_notes_of_a_log_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes((dumps({"request": BODY, "response": json.loads(ANSWER)}) + b"\n") * 3)
    assert run(str(log)) == 0
    [note] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert note.endswith("(and at 2 more places)")


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://api.anthropic.com/v1/models", {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
        ("https://api.anthropic.com/v1/files", {"x-api-key": "k", "anthropic-version": "2023-06-01"}),
        ("https://generativelanguage.googleapis.com/v1/models", {"x-goog-api-key": "k"}),
        ("https://api.openai.com/v1/models", {"authorization": "Bearer k"}),
    ],
)
@pytest.mark.parametrize("recorded", [{}, {"x-api-key": "other"}], ids=["none", "of another provider"])
def test_host_decides_where_headers_were_removed(
    url: str, headers: dict[str, str], recorded: dict[str, str]
) -> None:
    request = {"method": "GET", "uri": url, "headers": recorded, "body": None}
    response = {"status": {"code": 200}, "headers": {}, "body": {"string": "recorded"}}
    result = take({"interactions": [{"request": request, "response": response}]})
    sent = raw_request("/v1/models" if url.endswith("models") else "/v1/files", method="GET", headers=headers)
    assert again(result, sent).bytes == b"recorded"


def test_path_of_compatible_calls_follows_from_the_host() -> None:
    request = {"method": "POST", "host": "api.anthropic.com", "path": "/v1/chat/completions", "body": BODY}
    result = take({"request": request, "response": {"status": 200, "headers": {}, "body": "hi"}})
    assert again(result, raw_request("/anthropic/v1/chat/completions", BODY)).bytes == b"hi"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/elsewhere"])
def test_path_that_no_other_provider_has_gets_no_prefix(path: str) -> None:
    request = {"method": "POST", "host": "api.anthropic.com", "path": path, "body": BODY}
    result = take({"request": request, "response": {"status": 200, "headers": {}, "body": "hi"}})
    assert f'"path": "{path}"' in result.text


@pytest.mark.parametrize("headers", [{"anthropic-version": "2023-06-01"}, {"x-api-key": KEY}, {}])
def test_imported_lookup_passes_its_example(headers: dict[str, str], tmp_path: Path) -> None:
    request = {"method": "GET", "uri": "https://api.anthropic.com/v1/models", "headers": headers}
    response = {"status": {"code": 200}, "headers": {}, "body": {"string": "recorded"}}
    file = tmp_path / "s.yaml"
    file.write_text(take({"interactions": [{"request": request, "response": response}]}).text)
    with pytest.raises(SystemExit) as ended:
        main(["test", str(file)])
    assert ended.value.code == 0


@pytest.mark.parametrize("host", ["router.huggingface.co", "api.together.xyz"])
def test_imported_path_after_two_prefixes_gets_no_warning(host: str, tmp_path: Path) -> None:
    """Hugging Face's paths begin with the name of the provider that it calls."""
    path = "/together/v1/chat/completions"
    request = {"method": "POST", "host": host, "path": path, "body": BODY}
    result = take({"request": request, "response": {"status": 200, "headers": {}, "body": "hi"}})
    prefix = "huggingface" if "huggingface" in host else "together"
    assert again(result, raw_request(f"/{prefix}{path}", BODY)).bytes == b"hi"
    assert warnings_of(result, tmp_path) == []
