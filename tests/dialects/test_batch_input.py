"""Batch lines are read without parsing their bodies."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from types import ModuleType

import pytest

from mockllm.dialects.batch_input import is_json, is_streamed
from mockllm.dialects.gemini import batches as gemini_batches
from mockllm.dialects.gemini.batches import read_file
from mockllm.dialects.mistral.batch_lines import read_job, with_model
from mockllm.dialects.openai.batches import input_lines
from mockllm.dialects.openai.batches.input_lines import read_lines

MANY = b'{"x":[' + b"[]," * 500_000 + b"[]]}"
CHAT = "/v1/chat/completions"


def of_openai(content: bytes) -> list[bytes]:
    return [line.body for line in read_lines(content, (CHAT,)).lines]


def of_mistral(content: bytes) -> list[bytes]:
    return [line.body for line in read_job({"file": content}, CHAT, "mistral-small").lines]


def of_gemini(content: bytes) -> list[bytes]:
    return read_file(content).bodies


@pytest.mark.parametrize("read", [of_openai, of_mistral, of_gemini])
def test_containers_of_lines_take_no_memory(read: Callable[[bytes], list[bytes]]) -> None:
    """To parse 30 MB of empty arrays held the server for 3 s, and took a gigabyte."""
    text = b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":%b,"request":%b}'
    content = text % (MANY, MANY)
    tracemalloc.start()
    try:
        began = time.thread_time()
        (body,) = read(content)
        taken = time.thread_time() - began
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert body.endswith(MANY[1:])
    assert most < 6 * len(content)
    assert taken < 1.0


@pytest.mark.parametrize(
    "text", [b'{"body":{"a":"\xff"}}', b'{"body":{"a":"\\ud800"}}', b'{"body":{"a":NaN}}']
)
def test_line_that_is_no_json_is_an_error(text: bytes) -> None:
    assert [error["code"] for error in read_lines(text, (CHAT,)).errors] == ["invalid_json_line"]
    assert read_job({"file": text}, CHAT, None).errors == {"A line is not valid JSON.": 1}
    assert read_file(text).problem == "Line 1 of the input file is no JSON object with a request."


def test_lines_have_their_numbers_behind_blank_ones() -> None:
    text = b'\n \r\n{"body":1}\n\n  ?\n'
    assert [error["line"] for error in read_lines(text, (CHAT,)).errors] == [3, 5]
    assert read_file(text).problem == "Line 3 of the input file is no JSON object with a request."


@pytest.mark.parametrize(("lines", "read"), [(input_lines, of_openai), (gemini_batches, of_gemini)])
def test_bound_of_lines_counts_no_blank_ones(
    lines: ModuleType, read: Callable[[bytes], list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINES", 2)
    written = [
        b'{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{},"request":{}}' % number
        for number in range(3)
    ]
    assert len(read(b"\n" * 9 + b"\n\n\n".join(written[:2]) + b"\n\n")) == 2
    assert read(b"\n".join(written)) == []


def test_blank_lines_take_no_time() -> None:
    began = time.thread_time()
    errors = read_lines(b"\n" * 20_000_000 + b"?", (CHAT,)).errors
    assert [error["line"] for error in errors] == [20_000_001]
    assert time.thread_time() - began < 2.0


def test_endless_nesting_is_no_json() -> None:
    text = b'{"body":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert [error["code"] for error in read_lines(text, (CHAT,)).errors] == ["invalid_json_line"]
    assert not is_json(text)
    assert not is_streamed(text)


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (b"{}", b'{"model":"m"}'),
        (b"{ }", b'{"model":"m"}'),
        (b'{ "a": 1}', b'{"model":"m","a": 1}'),
        (b'{"model": null}', b'{"model": null}'),
    ],
)
def test_model_of_the_job_is_added_to_a_body(body: bytes, written: bytes) -> None:
    assert with_model(body, "m") == written


def test_key_of_gemini_may_be_any_value() -> None:
    keys = [b'"a"', b"3", b'{"b": [1]}', b"null"]
    lines = [b'{"key":%b,"request":{}}' % key for key in keys]
    assert read_file(b"\n".join(lines)).keys == ["a", "3", '{"b": [1]}', "None"]


def test_custom_id_with_a_lone_surrogate_is_no_json() -> None:
    text = b'{"custom_id":"\\ud800","body":{}}'
    assert [error["code"] for error in read_lines(text, (CHAT,)).errors] == ["invalid_json_line"]
