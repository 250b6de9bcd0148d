"""`mockllm requests --cost` and `serve --prices`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.main import main
from mockllm.cli.option import BadOption
from mockllm.cli.price_file import read_prices
from mockllm.dialects.price import Price
from tests.server.control.live_server import Steered, steered


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steered]:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    with steered(folder, {"a.yaml": "rules: [{reply: Hi.}]"}) as built:
        monkeypatch.setenv("MOCKLLM_URL", f"http://127.0.0.1:{built.port}")
        yield built


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit:
        main(["requests", "--cost", *arguments])
    assert exit.value.code == 0
    return capsys.readouterr().out


def test_requests_cost_prints_models_and_sessions(
    server: Steered, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(capsys) == "$0.000000 in all, at the server's prices\n"
    server.ask("hello", model="gpt-4o")
    server.ask("hello", model="my-model", session="one")
    first, second, session, total = printed(capsys).splitlines()
    assert first.startswith("gpt-4o")
    assert "     1 request   " in first
    assert second.endswith("$0.000000  (1 without a price)")
    assert session.startswith("session one")
    assert total.endswith(" in all, at the server's prices")
    assert json.loads(printed(capsys, "--json"))["models"][0]["model"] == "gpt-4o"


def test_requests_cost_escapes_control_characters(
    server: Steered, capsys: pytest.CaptureFixture[str]
) -> None:
    server.ask("hello", model="m\x1b[2J\u202e\nmade up")
    model, _ = printed(capsys).splitlines()
    assert model.startswith(r"m\x1b[2J\u202e\nmade up")


def test_price_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("gpt-9: {input: 2, output: 8.5, cached: 0.2}\n", encoding="utf-8")
    assert read_prices(str(file)) == {"gpt-9": Price(2, 8.5, 0.2)}
    assert read_prices(None) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "1:1: expected models with their prices"),
        ("m: 3\n", "1:4: m: expected {input: …, output: …}"),
        ("m: {input: 1, output: -1}\n", "1:23: m.output: expected a number of at least 0, found -1"),
        (
            "m: {input: 1, outptu: 1}\n",
            "1:15: m.outptu: unknown key; expected input, output, cached, cache_write",
        ),
        ("m: {input: 1}\n", "1:4: m: output is missing"),
        ("m: {input: 1\n", ""),
    ],
)
def test_mistake_in_price_file_has_its_place(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadOption) as raised:
        read_prices(str(file))
    assert message in str(raised.value)


def test_missing_price_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="No such file"):
        read_prices(str(tmp_path / "nowhere.yaml"))


@pytest.mark.parametrize("other", [["--follow"], ["--last", "1"]])
def test_requests_cost_refuses_options_that_it_ignores(
    capsys: pytest.CaptureFixture[str], other: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["requests", "--cost", *other])
    expected = f"mockllm: --cost counts all requests of the journal; it does not work with {other[0]}\n"
    assert (ended.value.code, capsys.readouterr().err) == (2, expected)
