"""Sessions of `MockLLM`: rules, counts, files and seed of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockllm.testing import MockLLM, MockSession
from tests.testing.library_client import ask, text

HERE = Path(__file__).name


def test_session_has_own_rules_counts_and_requests() -> None:
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


def test_closed_session_uses_rules_of_server() -> None:
    with MockLLM() as server:
        server.reply("all")
        with server.session("one") as one:
            one.reply("mine")
            assert text(one.openai_url) == "mine"
        assert text(one.openai_url) == "all"
        assert isinstance(one, MockSession)


def test_session_has_own_files_packs_climate_and_seed(tmp_path: Path) -> None:
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


def test_session_with_invalid_id_raises() -> None:
    with MockLLM() as server, pytest.raises(ValueError, match="letters, digits"):
        server.session("a/b")


def test_numbered_session_skips_the_open_ids() -> None:
    with MockLLM() as server, server.session("session-1"), server.session() as second:
        assert second.session_id == "session-2"


def test_second_close_leaves_a_later_session_with_the_id_open() -> None:
    with MockLLM() as server:
        first = server.session("one")
        first.close()
        with server.session("one") as second:
            second.reply("mine")
            first.close()
            assert text(second.openai_url) == "mine"


def test_session_that_is_open_already_raises() -> None:
    with MockLLM() as server:
        with server.session("one") as one:
            one.reply("mine")
            with pytest.raises(ValueError, match="the session 'one' is open already"):
                server.session("one")
            assert text(one.openai_url) == "mine"
        again = server.session("one")
        server.stop()
        again.close()
        server.start()
        server.session("one").close()


def test_unused_rules_of_session_are_its_own() -> None:
    with MockLLM() as server:
        server.reply("all", match={"model": "x"})
        one = server.session()
        one.reply("mine", name="mine", match={"model": "y"})
        assert one.unused_rules == [f"{HERE}:mine"]
        text(one.openai_url, "y")
        assert one.unused_rules == []


def test_rules_of_session_and_server_are_counted_apart() -> None:
    with MockLLM() as server, server.session() as one:
        below = server.reply("from server", match={"user": "server"})
        mine = one.reply("mine", match={"user": "mine"})
        assert text(one.openai_url, reported="server") == "from server"
        assert (mine.used, one.unused_rules, server.unused_rules) == (False, [mine.id], [])
        assert len(below.requests) == 1
        assert text(one.openai_url, reported="mine") == "mine"
        assert (len(mine.requests), len(below.requests), one.unused_rules) == (1, 1, [])


def test_rules_of_one_name_are_counted_apart() -> None:
    with MockLLM() as server:
        first = server.reply("first", name="dup", match={"user": "first"})
        second = server.reply("second", name="dup", match={"user": "second"})
        assert [text(server.openai_url, reported="second") for _ in range(3)] == ["second"] * 3
        assert (first.used, len(second.requests), server.unused_rules) == (False, 3, [first.id])


def test_disabled_rule_has_no_requests() -> None:
    with MockLLM() as server:
        disabled = server.reply("never", enabled=False)
        assert ask(server.openai_url)[0] == 404
        assert (disabled.requests, disabled.used, server.unused_rules) == ([], False, [])


def test_reopened_session_begins_anew() -> None:
    with MockLLM() as server:
        server.sequence("1", "2", "3")
        first = server.session("alice")
        assert text(first.openai_url) == "1"
        first.close()
        with server.session("alice") as second:
            assert text(second.openai_url) == "1"
            first.close()
            assert text(second.openai_url) == "2"
            assert (len(first.requests), len(second.requests), len(server.requests)) == (1, 2, 3)


def test_session_that_closes_after_its_server_begins_anew() -> None:
    server = MockLLM()
    server.sequence("1", "2")
    for _ in range(2):
        with server:
            session = server.session("alice")
            assert text(session.openai_url) == "1"
        session.close()


def test_all_used_counts_rules_of_sessions() -> None:
    with MockLLM(all_used=True) as server, server.session() as one:
        server.reply("all", match={"user": "all"})
        used = one.reply("used", match={"user": "used"})
        assert [text(one.openai_url, reported=each) for each in ("all", "used")] == ["all", "used"]
    assert used.used
    server = MockLLM(all_used=True)
    with server, server.session() as one:
        never = one.reply("never", name="never")
        text(one.openai_url)
        server.check()
        one.reply("later", name="later")
        with pytest.raises(AssertionError, match=r"^1 unused rule:\n  test_mock_server_sessions\.py:later$"):
            server.check()
        text(one.openai_url)
    assert never.used


def test_closed_session_has_the_unmatched_requests_once() -> None:
    with MockLLM() as server:
        with server.session() as one:
            assert ask(one.openai_url)[0] == 404
        assert len(one.unmatched) == len(server.unmatched) == 1


def test_files_are_found_from_another_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{name: mine, reply: file}]")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    with MockLLM(scenarios="a.yaml") as server:
        monkeypatch.chdir(tmp_path / "other")
        server.climate("calm")
        assert text(server.openai_url) == "file"
        assert text(server.session(packs=["weather"]).openai_url) == "file"
        assert server.session().unused_rules == []
