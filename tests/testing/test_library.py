"""`MockLLM` without pytest's plugin: what is answered, what is seen, what is counted, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mockllm.server.limits import Limits
from mockllm.server.serving import CannotListen
from mockllm.testing import Broken, MockLLM, MockSession
from tests.waiting import PATIENCE, until

HERE = Path(__file__).name


def ask(url: str, model: str = "gpt-4o", said: str = "hi", **more: Any) -> tuple[int, Any]:
    """Status and JSON of a chat completion at an OpenAI base URL."""
    body = {"model": model, "messages": [{"role": "user", "content": said}], **more}
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def text(url: str, model: str = "gpt-4o", said: str = "hi") -> str:
    status, answer = ask(url, model, said)
    assert status == 200, answer
    content: str = answer["choices"][0]["message"]["content"]
    return content


# --- what is answered ------------------------------------------------------------------------------


def test_a_reply_is_answered_to_what_it_matches() -> None:
    with MockLLM() as server:
        server.reply("Hi", match={"model": "gpt-*"})
        assert text(server.openai_url) == "Hi"
        assert ask(server.openai_url, "other")[0] == 404


def test_every_provider_is_answered_at_its_own_url() -> None:
    with MockLLM() as server:
        base = f"http://127.0.0.1:{server.port}"
        urls = (server.base_url, server.openai_url, server.anthropic_url, server.gemini_url, server.azure_url)
        assert urls == (base, f"{base}/v1", base, base, base)


def test_the_newest_rule_stands_first_and_lets_the_older_answer_when_it_is_used_up() -> None:
    with MockLLM() as server:
        server.reply("older")
        server.reply("newer", times=1)
        assert [text(server.openai_url), text(server.openai_url)] == ["newer", "older"]


def test_a_rule_added_between_two_requests_answers_the_second() -> None:
    with MockLLM(packs="default") as server:
        ask(server.openai_url)
        server.reply("Hi")
        assert text(server.openai_url) == "Hi"


def test_rules_in_code_stand_over_files_whatever_their_priority_and_over_packs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{name: file, priority: 9, reply: file}]")
    with MockLLM(scenarios=tmp_path, packs=["default"]) as server:
        assert text(server.openai_url) == "file"
        server.reply("code", times=1)
        assert [text(server.openai_url), text(server.openai_url)] == ["code", "file"]


def test_a_fallback_in_code_stands_behind_the_rules_of_files(tmp_path: Path) -> None:
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
def test_a_sequence_is_answered_step_by_step(listed: bool) -> None:
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


def test_settings_in_code_beat_those_of_a_rule_in_a_file(tmp_path: Path) -> None:
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


def test_replaces_takes_the_place_of_a_packs_rule_and_switches_one_off() -> None:
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


def test_equal_rules_are_counted_apart() -> None:
    with MockLLM() as server:
        for _ in range(2):
            server.reply("Hi", name="hi", times=1)
        assert [ask(server.openai_url)[0] for _ in range(3)] == [200, 200, 404]


def test_load_puts_a_file_or_folder_before_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.yaml").write_text("rules: [{match: {model: a}, reply: folder}]")
    (tmp_path / "b.yaml").write_text("use: [default]\nrules: [{match: {model: [a, b]}, reply: file}]")
    with MockLLM() as server:
        server.reply("code", match={"model": ["a", "b", "c"]})
        server.load(tmp_path / "b.yaml")
        server.load(tmp_path / "folder")
        assert [text(server.openai_url, model) for model in "abc"] == ["folder", "file", "code"]
        assert ask(server.openai_url, "d")[0] == 200, "the pack that the file uses"


def test_a_pack_that_two_use_applies_once(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("use: [request-controls]\nrules: [{reply: Hi}]")
    with MockLLM(scenarios=tmp_path / "a.yaml") as server:
        server.load(tmp_path / "b.yaml")
        ask(server.openai_url + "/chat/completions?fail=500#")
        ask(server.openai_url)
        applied = server.requests[-1].modifiers
        assert len(applied) == len(set(applied))


def test_a_loaded_file_may_replace_what_stands_below(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{replaces: 'default:made', fallback: true, reply: mine}]")
    with MockLLM(packs=["default"]) as server:
        server.load(tmp_path / "a.yaml")
        assert text(server.openai_url) == "mine"


def test_the_climate_changes_and_rules_stay() -> None:
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


def test_the_same_seed_gives_the_same_ids_and_another_others() -> None:
    ids = []
    for seed in (1, 1, 2):
        with MockLLM(seed=seed) as server:
            server.reply("Hi", name="hi")
            ids.append(ask(server.openai_url)[1]["id"])
    assert ids[0] == ids[1] != ids[2]


# --- mistakes --------------------------------------------------------------------------------------


def test_a_mistake_in_code_is_told_with_its_line() -> None:
    with MockLLM() as server, pytest.raises(Broken) as broken:
        server.reply("Hi", match={"modle": "gpt-4o"})
    assert "test_library.py:" in str(broken.value)
    assert 'rules[0].match.modle: unknown key; did you mean "model"?' in str(broken.value)
    line = int(str(broken.value).split(":")[1])
    assert "modle" in Path(__file__).read_text(encoding="utf-8").splitlines()[line - 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"replaces": "default:mad", "reply": "Hi"}, 'did you mean "default:made"?'),
        ({"reply": "Hi", "times": "two"}, "times: expected a whole number"),
        ({"reply": object()}, "reply"),
        ({"reply": {"text": {"file": "nothing.md"}}}, 'there is no file "nothing.md"'),
        ({}, "reply"),
    ],
    ids=["an unknown id", "a text for a number", "an object", "a file that is not there", "nothing"],
)
def test_what_is_wrong_in_code_is_wrong_as_in_a_file(words: dict[str, Any], message: str) -> None:
    with MockLLM(packs=["default"]) as server:
        with pytest.raises(Broken) as broken:
            server.rule(**words)
        assert message in str(broken.value)
        assert ask(server.openai_url)[0] == 200, "what stood before still answers"


def test_mistakes_in_files_are_told_when_it_is_made(tmp_path: Path) -> None:
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


def test_a_file_that_changes_between_two_servers_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    said = []
    for answer in ("One", "Two", "Two"):
        file.write_text(f"rules: [{{reply: {answer}}}]")
        with MockLLM(scenarios=file) as server:
            said.append(text(server.openai_url))
    (tmp_path / "0.yaml").write_text("rules: [{reply: New}]")
    with MockLLM(scenarios=tmp_path) as server:
        said.append(text(server.openai_url))
    assert said == ["One", "Two", "Two", "New"]


def test_a_text_file_that_changes_between_two_servers_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: {text: {file: said.md}}}]")
    said = []
    for answer in ("One", "Two"):
        (tmp_path / "said.md").write_text(answer)
        with MockLLM(scenarios=tmp_path) as server:
            said.append(text(server.openai_url))
    assert said == ["One", "Two"]


# --- what is seen ----------------------------------------------------------------------------------


def test_a_request_is_seen_with_its_body_its_rule_and_its_answer() -> None:
    with MockLLM() as server:
        rule = server.reply("Hi", name="greet", faults=[{"reset": {"after": {"chunks": 9}}}])
        ask(server.openai_url, said="hello?", temperature=0.5, surprise=1)
        (seen,) = server.requests
        until(lambda: seen.left)
    assert (seen.method, seen.path, seen.provider, seen.api) == (
        "POST",
        "/v1/chat/completions",
        "openai",
        "chat",
    )
    assert (seen.model, seen.user, seen.system, seen.stream) == ("gpt-4o", "hello?", None, False)
    assert (seen.body["temperature"], json.loads(seen.raw)["surprise"]) == (0.5, 1)
    assert (seen.rule, seen.status, seen.error, seen.missed) == (rule.id, 200, None, False)
    assert any("reset not played" in note for note in seen.notes)
    assert any("surprise" in note for note in seen.notes)
    assert seen.headers["Content-Type"] == "application/json"
    assert (seen.query, seen.session, seen.api_key, seen.tools, len(seen.messages)) == ({}, None, None, (), 1)
    assert seen.took is not None
    assert abs(seen.at - time.time()) < PATIENCE
    assert rule.used
    assert rule.requests == [seen]


def test_a_request_is_seen_before_its_answer_has_ended() -> None:
    with MockLLM() as server:
        server.reply({"chunks": ["a", {"wait": "30s"}, "b"]}, stream=True)
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
            body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
            client.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
                + body
            )
            client.recv(1)
            (seen,) = server.requests
            assert (seen.status, seen.left, seen.took) == (200, None, None)
            assert str(seen).endswith("(under way)")
            assert "(under way)" in repr(seen)
    assert seen.left in ("gone", "stopped")


def test_what_is_no_json_has_no_body() -> None:
    with MockLLM() as server:
        urllib.request.urlopen(f"{server.base_url}/", timeout=PATIENCE).close()  # a page, no request
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.openai_url}/chat/completions", b"{", PATIENCE)
        refused.value.close()
        (seen,) = server.requests
        assert (seen.body, seen.raw, seen.status) == (None, b"{", 400)


def test_a_request_that_no_rule_answers_is_unmatched_and_explained() -> None:
    with MockLLM() as server:
        server.reply("Hi", match={"model": "gpt-4o"})
        ask(server.openai_url, "gpt-5")
        assert [each.model for each in server.unmatched] == ["gpt-5"]
        assert 'model expected "gpt-4o", found "gpt-5"' in server.journal()
        ask(server.openai_url)
        assert len(server.unmatched) == 1
        assert server.requests[1].explanation == ""


def test_rules_that_never_answered_are_known_but_for_packs_and_fallbacks(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "rules: [{name: used, reply: Hi}, {name: unused, match: {model: x}, reply: x}]"
    )
    with MockLLM(scenarios=tmp_path, packs=["default"]) as server:
        server.reply("in code", name="mine", match={"model": "y"})
        server.reply("last", fallback=True)
        ask(server.openai_url)
        assert server.unused_rules == [f"{HERE}:mine", "a.yaml:unused"]


# --- what is counted -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        ({}, True),
        ({"times": 2}, True),
        ({"times": 1}, False),
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
        ({"at_most": 2}, True),
        ({"at_most": 1}, False),
        ({"at_least": 1, "at_most": 3}, True),
    ],
    ids=str,
)
def test_verify_counts_what_matches(bounds: dict[str, int], holds: bool) -> None:
    with MockLLM(packs=["default"]) as server:
        for model in ("a", "b", "a"):
            ask(server.openai_url, model)
        if holds:
            assert [each.model for each in server.verify({"model": "a"}, **bounds)] == ["a", "a"]
        else:
            with pytest.raises(AssertionError, match="found 2 of 3 that came"):
                server.verify({"model": "a"}, **bounds)


def test_verify_tells_how_the_nearest_others_differ() -> None:
    with MockLLM(packs=["default"]) as server:
        ask(server.openai_url, "gpt-4o-mini")
        with pytest.raises(AssertionError) as told:
            server.verify({"model": "gpt-4o", "user": {"contains": "hi"}}, times=1)
    first, came, differs = str(told.value).splitlines()
    assert first == (
        'expected exactly 1 request with {"model":"gpt-4o","user":{"contains":"hi"}}, found 0 of 1 that came'
    )
    assert "gpt-4o-mini → default/answers.yaml:made 200" in came
    assert differs.strip().startswith('model expected "gpt-4o", found "gpt-4o-mini"')


def test_verify_without_a_match_counts_generating_calls() -> None:
    with MockLLM(packs=["default"]) as server:
        urllib.request.urlopen(f"{server.openai_url}/models", timeout=PATIENCE).close()
        server.verify(times=0)
        server.verify({"api": "models"}, times=1)
        with pytest.raises(AssertionError, match="expected at least 1 request, found 0 of 1 that came"):
            server.verify()


def test_a_wrong_match_and_contradicting_bounds_are_told() -> None:
    with MockLLM() as server:
        with pytest.raises(Broken, match="modle"):
            server.verify({"modle": "x"})
        with pytest.raises(TypeError, match="leave out at_least"):
            server.verify(times=1, at_least=1)


def test_leaving_checks_what_strict_and_all_used_ask_for() -> None:
    with (
        pytest.raises(AssertionError, match=r"1 request that no rule answered:\n.*gpt-4o"),
        MockLLM(strict=True) as it,
    ):
        ask(it.openai_url)
    with (
        pytest.raises(AssertionError, match=r"1 rule that never answered:\n.*:reply 1"),
        MockLLM(all_used=True) as it,
    ):
        it.reply("Hi")
    with MockLLM() as server:
        server.reply("Hi", match={"model": "x"})
        ask(server.openai_url)


def test_a_tests_own_failure_is_not_hidden_by_what_is_checked() -> None:
    def failing() -> None:
        with MockLLM(strict=True) as server:
            ask(server.openai_url)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()


# --- starting and stopping -------------------------------------------------------------------------


def test_servers_do_not_see_each_other() -> None:
    with MockLLM() as one, MockLLM() as other:
        one.reply("one")
        other.reply("other")
        assert one.port != other.port
        assert (text(one.openai_url), text(other.openai_url)) == ("one", "other")
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_a_server_is_started_once_and_has_no_url_before_and_after() -> None:
    server = MockLLM()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = server.base_url
    with server, pytest.raises(RuntimeError, match="runs already"):
        server.start()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = server.openai_url
    server.stop()


def test_a_port_that_is_taken_is_told() -> None:
    with MockLLM() as server, pytest.raises(CannotListen, match="is in use"):
        MockLLM(port=server.port).start()


def test_a_stopped_server_listens_no_more_and_cuts_what_is_under_way() -> None:
    with MockLLM() as server:
        server.reply("Hi", faults=["no_response"])
        port = server.port
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        until(lambda: server.requests)
    with client:
        client.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), PATIENCE)


def test_stopping_does_not_wait_for_idle_connections() -> None:
    with MockLLM(packs="default") as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        for _ in range(2):
            client.request("GET", "/v1/models")
            client.getresponse().read()
        closed = Event()

        def closes() -> None:
            assert client.sock is not None
            client.sock.recv(1)
            closed.set()

        waiting = threading.Thread(target=closes)
        waiting.start()
        server.stop()
        assert closed.wait(PATIENCE)
        waiting.join()
        client.close()


def test_a_stopped_server_still_tells_what_came() -> None:
    with MockLLM() as server:
        server.reply("Hi")
        ask(server.openai_url)
    server.verify(times=1)
    server.stop()


def test_all_servers_of_a_process_run_on_one_thread() -> None:
    with MockLLM(), MockLLM():
        threads = [each for each in threading.enumerate() if each.name == "mockllm"]
    assert sum(each.daemon for each in threads) >= 1
    before = threading.active_count()
    with MockLLM(), MockLLM(), MockLLM():
        assert threading.active_count() == before


def test_async_with_in_a_loop_of_ones_own() -> None:
    async def main() -> str:
        async with MockLLM() as server:
            server.reply("Hi")
            return await asyncio.to_thread(text, server.openai_url)

    assert asyncio.run(main()) == "Hi"

    async def wrong() -> None:
        async with MockLLM(strict=True) as server:
            await asyncio.to_thread(ask, server.openai_url)

    with pytest.raises(AssertionError, match="no rule answered"):
        asyncio.run(wrong())


def test_limits_may_be_given() -> None:
    with MockLLM(packs="default", limits=Limits(body=10)) as server:
        assert ask(server.openai_url)[0] == 413


# --- sessions --------------------------------------------------------------------------------------


def test_a_session_has_its_own_rules_counts_and_requests() -> None:
    with MockLLM() as server:
        server.sequence("first", "second")
        one, other = server.session("one"), server.session()
        assert [text(one.openai_url), text(one.openai_url), text(other.openai_url)] == [
            "first",
            "second",
            "first",
        ]
        one.reply("mine")
        server.reply("all", match={"model": "late"})
        assert [text(each.openai_url) for each in (one, other, server)] == ["mine", "second", "first"]
        assert [text(each.openai_url, "late") for each in (one, other)] == ["mine", "all"]
        assert (len(one.requests), len(other.requests), len(server.requests)) == (4, 3, 8)
        assert {each.session for each in one.requests} == {"one"}
        one.verify(times=4)


def test_a_closed_session_answers_as_the_server_does() -> None:
    with MockLLM() as server:
        server.reply("all")
        with server.session("one") as one:
            one.reply("mine")
            assert text(one.openai_url) == "mine"
        assert text(one.openai_url) == "all"
        assert isinstance(one, MockSession)


def test_a_session_may_have_its_own_files_packs_climate_and_seed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{name: mine, reply: file}]")
    with MockLLM(packs=["default"]) as server:
        own = server.session("own", scenarios=[str(tmp_path)], packs=[], params={}, seed=5)
        assert text(own.openai_url) == "file"
        assert own.unused_rules == []
        bad = server.session("bad")
        bad.climate("rate-limited")
        assert {ask(bad.openai_url)[0] for _ in range(6)} == {200, 429}
        assert ask(server.openai_url)[0] == 200
        ids = [ask(server.session(seed=seed).openai_url)[1]["id"] for seed in (1, 1, 2)]
        assert ids[0] == ids[1] != ids[2]


def test_a_session_is_called_by_what_a_path_can_hold() -> None:
    with MockLLM() as server, pytest.raises(ValueError, match="letters, digits"):
        server.session("a/b")


def test_unused_rules_of_a_session_are_those_given_to_it() -> None:
    with MockLLM() as server:
        server.reply("all", match={"model": "x"})
        one = server.session()
        one.reply("mine", name="mine", match={"model": "y"})
        assert one.unused_rules == [f"{HERE}:mine"]
        text(one.openai_url, "y")
        assert one.unused_rules == []
