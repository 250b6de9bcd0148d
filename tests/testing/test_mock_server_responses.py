"""The responses of `MockLLM`, by code, files and packs, and the mistakes that it reports."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from mockllm.testing import Broken, MockLLM
from tests.testing.library_client import ask, text
from tests.waiting import PATIENCE

HERE = Path(__file__).name


# --- responses -------------------------------------------------------------------------------------


def test_reply_is_sent_to_matching_requests() -> None:
    with MockLLM() as server:
        server.reply("Hi", match={"model": "gpt-*"})
        assert text(server.openai_url) == "Hi"
        assert ask(server.openai_url, "other")[0] == 404


def test_each_provider_url_gets_reply() -> None:
    with MockLLM() as server:
        base = f"http://127.0.0.1:{server.port}"
        urls = (server.base_url, server.openai_url, server.anthropic_url, server.gemini_url, server.azure_url)
        assert urls == (base, f"{base}/v1", base, base, base)


def test_newest_rule_has_priority_until_used_up() -> None:
    with MockLLM() as server:
        server.reply("older")
        server.reply("newer", times=1)
        assert [text(server.openai_url), text(server.openai_url)] == ["newer", "older"]


def test_added_rule_applies_to_next_request() -> None:
    with MockLLM(packs="default") as server:
        ask(server.openai_url)
        server.reply("Hi")
        assert text(server.openai_url) == "Hi"


def test_rules_in_code_have_priority_over_files_and_packs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{name: file, priority: 9, reply: file}]")
    with MockLLM(scenarios=tmp_path, packs=["default"]) as server:
        assert text(server.openai_url) == "file"
        server.reply("code", times=1)
        assert [text(server.openai_url), text(server.openai_url)] == ["code", "file"]


def test_fallback_in_code_comes_after_rules_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{match: {model: a}, reply: file}]")
    with MockLLM(scenarios=tmp_path) as server:
        server.reply("last", fallback=True)
        assert [text(server.openai_url, "a"), text(server.openai_url, "b")] == ["file", "last"]


def test_errors_are_named_and_counted() -> None:
    with MockLLM() as server:
        server.reply("at last")
        server.error("rate_limit", times=2)
        assert [ask(server.openai_url)[0] for _ in range(3)] == [429, 429, 200]


@pytest.mark.parametrize("listed", [False, True], ids=["as arguments", "as a list"])
def test_sequence_sends_steps_in_order(listed: bool) -> None:
    steps: list[Any] = [{"error": "overloaded"}, "one", {"reply": {"text": "two"}}]
    with MockLLM() as server:
        if listed:
            server.sequence(steps, then="error", match={"model": "gpt-4o"})  # type: ignore[arg-type]
        else:
            server.sequence(*steps, then="error", match={"model": "gpt-4o"})
        got = [ask(server.openai_url) for _ in range(4)]
    assert [status for status, _ in got] == [503, 200, 200, 404]
    assert [answer["choices"][0]["message"]["content"] for _, answer in got[1:3]] == ["one", "two"]


def test_any_rule_and_any_modifier_can_be_written() -> None:
    with MockLLM() as server:
        server.rule(name="teapot", match={"path": "/tea"}, http={"status": 418, "body": "short and stout"})
        server.modifier(match={"path": "/tea"}, headers={"x-pot": "blue"})
        with pytest.raises(urllib.error.HTTPError) as tea:
            urllib.request.urlopen(f"{server.base_url}/tea", timeout=PATIENCE)
        with tea.value:
            assert (tea.value.code, tea.value.headers["x-pot"]) == (418, "blue")
        assert server.requests[0].rule == f"{HERE}:teapot"


def test_settings_in_code_override_rule_in_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: file, headers: {x-from: file}}]")
    with MockLLM(scenarios=tmp_path) as server:
        server.modifier(headers={"x-from": "code"})
        with urllib.request.urlopen(
            urllib.request.Request(
                f"{server.openai_url}/chat/completions",
                b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}',
            ),
            timeout=PATIENCE,
        ) as answer:
            assert answer.headers["x-from"] == "code"


def test_replaces_swaps_or_disables_rule_of_pack() -> None:
    with MockLLM(packs=["default"]) as server:
        server.rule(replaces="default:made", reply="mine", fallback=True)
        assert text(server.openai_url) == "mine"
    with MockLLM(packs=["default"]) as server:
        server.rule(replaces="default:made", enabled=False)
        ask(server.openai_url)
        assert server.requests[0].rule == "request-controls/reply.yaml:hello", "what stands behind it"


def test_tuples_mappings_and_paths_are_what_files_have(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: file}]")
    with MockLLM(scenarios=(tmp_path / "a.yaml",)) as server:
        server.reply("code", match={"model": ("a", "b")})
        assert [text(server.openai_url, model) for model in "abc"] == ["code", "code", "file"]


def test_equal_rules_have_separate_counts() -> None:
    with MockLLM() as server:
        for _ in range(2):
            server.reply("Hi", name="hi", times=1)
        assert [ask(server.openai_url)[0] for _ in range(3)] == [200, 200, 404]


def test_loaded_file_or_folder_has_priority(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.yaml").write_text("rules: [{match: {model: a}, reply: folder}]")
    (tmp_path / "b.yaml").write_text("use: [default]\nrules: [{match: {model: [a, b]}, reply: file}]")
    with MockLLM() as server:
        server.reply("code", match={"model": ["a", "b", "c"]})
        server.load(tmp_path / "b.yaml")
        server.load(tmp_path / "folder")
        assert [text(server.openai_url, model) for model in "abc"] == ["folder", "file", "code"]
        assert ask(server.openai_url, "d")[0] == 200, "the pack that the file uses"


def test_pack_used_by_two_files_applies_once(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("use: [request-controls]\nrules: [{reply: Hi}]")
    with MockLLM(scenarios=tmp_path / "a.yaml") as server:
        server.load(tmp_path / "b.yaml")
        ask(server.openai_url + "/chat/completions?fail=500#")
        ask(server.openai_url)
        applied = server.requests[-1].modifiers
        assert len(applied) == len(set(applied))


def test_loaded_file_can_replace_rules_below(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{replaces: 'default:made', fallback: true, reply: mine}]")
    with MockLLM(packs=["default"]) as server:
        server.load(tmp_path / "a.yaml")
        assert text(server.openai_url) == "mine"


def test_climate_change_leaves_rules() -> None:
    with MockLLM() as server:
        server.reply("Hi")
        server.climate("rate-limited")
        assert {ask(server.openai_url)[0] for _ in range(6)} == {200, 429}
        server.climate("calm")
        assert {ask(server.openai_url)[0] for _ in range(5)} == {200}


def test_params_set_those_of_packs_and_the_environment_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKLLM_CLIMATE", "no such climate")
    with MockLLM(packs=["weather"], params={"climate": "calm"}) as server:
        server.reply("Hi")
        assert text(server.openai_url) == "Hi"


def test_same_seed_has_same_ids() -> None:
    ids = []
    for seed in (1, 1, 2):
        with MockLLM(seed=seed) as server:
            server.reply("Hi", name="hi")
            ids.append(ask(server.openai_url)[1]["id"])
    assert ids[0] == ids[1] != ids[2]


ENDLESS: dict[str, object] = {}
ENDLESS["a"] = ENDLESS

# --- mistakes --------------------------------------------------------------------------------------


def test_mistake_in_code_has_line() -> None:
    with MockLLM() as server, pytest.raises(Broken) as broken:
        server.reply("Hi", match={"modle": "gpt-4o"})
    assert "test_mock_server_responses.py:" in str(broken.value)
    assert 'rules[0].match.modle: unknown key; did you mean "model"?' in str(broken.value)
    line = int(str(broken.value).split(":")[1])
    assert "modle" in Path(__file__).read_text(encoding="utf-8").splitlines()[line - 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"replaces": "default:mad", "reply": "Hi"}, 'did you mean "default:made"?'),
        ({"reply": "Hi", "times": "two"}, "times: expected a whole number"),
        ({"reply": object()}, "rules[0].reply: a value of type object cannot be in a file"),
        ({"reply": {"json": {"a": [1, b"x"]}}}, "rules[0].reply.json.a[1]: a value of type bytes cannot"),
        ({"reply": {"text": "a\ud800"}}, "rules[0].reply.text: 'a\\ud800' has half of a character"),
        ({"reply": {"json": {"\udc00": 1}}}, "rules[0].reply.json: '\\udc00' has half of a character"),
        ({"reply": {"json": {"a": float("nan")}}}, "rules[0].reply.json.a: nan is not a finite number"),
        ({"times": 2**64, "reply": "Hi"}, "rules[0].times: a number beyond 64 bits"),
        ({"reply": {"json": ENDLESS}}, "nested more than 100 levels deep"),
        ({"reply": {"text": {"file": "nothing.md"}}}, 'there is no file "nothing.md"'),
        ({}, "reply"),
    ],
    ids=[
        "an unknown id",
        "a text for a number",
        "an object",
        "bytes",
        "half of a character",
        "half of a key",
        "no number",
        "a large number",
        "a value in itself",
        "a file that is not there",
        "nothing",
    ],
)
def test_mistakes_in_code_are_those_of_files(words: dict[str, Any], message: str) -> None:
    with MockLLM(packs=["default"]) as server:
        with pytest.raises(Broken) as broken:
            server.rule(**words)
        assert message in str(broken.value)
        assert ask(server.openai_url)[0] == 200, "what stood before still answers"


def test_mistakes_in_files_raise_in_constructor(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{repy: Hi}]")
    with pytest.raises(Broken, match=r"a\.yaml:1:10: rules\[0\]\.repy: unknown key"):
        MockLLM(scenarios=tmp_path / "a.yaml")
    with MockLLM() as server, pytest.raises(Broken, match="repy"):
        server.load(tmp_path)
    with MockLLM() as server, pytest.raises(Broken, match="stormy"):
        server.climate("stormy")


def test_strict_takes_warnings_for_errors(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: Hi}, {reply: never}]")
    assert MockLLM(scenarios=tmp_path).warnings
    with pytest.raises(Broken, match="never"):
        MockLLM(scenarios=tmp_path, strict=True)


def test_changed_file_is_read_by_next_server(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    reported = []
    for answer in ("One", "Two", "Two"):
        file.write_text(f"rules: [{{reply: {answer}}}]")
        with MockLLM(scenarios=file) as server:
            reported.append(text(server.openai_url))
    (tmp_path / "0.yaml").write_text("rules: [{reply: New}]")
    with MockLLM(scenarios=tmp_path) as server:
        reported.append(text(server.openai_url))
    assert reported == ["One", "Two", "Two", "New"]


def test_changed_text_file_is_read_again_by_next_server(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: {text: {file: said.md}}}]")
    reported = []
    for answer in ("One", "Two"):
        (tmp_path / "said.md").write_text(answer)
        with MockLLM(scenarios=tmp_path) as server:
            reported.append(text(server.openai_url))
    assert reported == ["One", "Two"]
