"""Recordings that are too large for one scenario file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mockllm.recordings import scenario_writer
from tests.language.virtual_server import VirtualServer, raw_request
from tests.packing.pack_files import run
from tests.recordings.sample_files import URL


def test_import_divides_what_is_too_large_for_one_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 4_000
    monkeypatch.setattr(scenario_writer, "MAX_FILE_SIZE", most)
    texts = [*"abcdefgh", "z" * most]
    bodies = [{"model": "m", "messages": [{"role": "user", "content": text[0]}]} for text in texts]
    lines = [
        {"url": URL, "request": body, "response": {"choices": [], "id": text}}
        for body, text in zip(bodies, texts, strict=True)
    ]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    out = tmp_path / "out"
    assert run("import", str(log), "--out", str(out)) == 0
    written = capsys.readouterr().err
    assert "log.jsonl:9:1: the responses to this request are left out: " in written
    files = sorted(out.iterdir())
    assert [file.name for file in files[:2]] == ["log-2.yaml", "log-3.yaml"]
    assert len(files) > 2
    assert all(file.stat().st_size <= most for file in files)
    yaml = [file.read_text(encoding="utf-8") for file in files]
    for body, text in zip(bodies[:-1], texts, strict=False):
        found = [VirtualServer(each).respond(raw_request("/v1/chat/completions", body)) for each in yaml]
        assert [each.json["id"] for each in found if each.status == 200] == [text]
    assert "8 imported" in written
    assert run("import", str(log)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "use --out DIR" in captured.err


@pytest.mark.parametrize("out", [(), ("--out", "out")])
def test_import_of_a_single_response_too_large_fails(
    out: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario_writer, "MAX_FILE_SIZE", 300)
    monkeypatch.chdir(tmp_path)
    line = {"url": URL, "request": {"model": "m"}, "response": {"id": "z" * 300}}
    Path("log.jsonl").write_text(json.dumps(line), encoding="utf-8")
    assert run("import", "log.jsonl", *out) == 1
    assert "the responses to this request are left out: " in capsys.readouterr().err
    assert not Path("out").exists()


def test_import_that_would_overwrite_a_file_writes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario_writer, "MAX_FILE_SIZE", 1_200)
    monkeypatch.chdir(tmp_path)
    lines = [{"url": URL, "request": {"model": text}, "response": {"id": text * 400}} for text in "ab"]
    Path("log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    Path("out").mkdir()
    Path("out/log-2.yaml").write_text("# my own", encoding="utf-8")
    assert run("import", "log.jsonl", "--out", "out") == 1
    assert "out/log-2.yaml: exists with other content" in capsys.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["log-2.yaml"]
