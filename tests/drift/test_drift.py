"""`mockllm drift` against a server that pretends to be the providers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from openai import OpenAI

from mockllm.cli.drift import is_ignored
from mockllm.drift.cost import dollars
from mockllm.testing import MockLLM
from tests.cli.in_process import Ended, command
from tests.drift.planted_changes import PLANTED, PlantedChange
from tests.drift.pretended_provider import (
    SCENARIO,
    SECRET_TEXT,
    PretendedProvider,
    ProviderResponse,
    pretended_provider,
)
from tests.process import serving
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)  # some compare ten times, and some start a process
KEYS = {"OPENAI_API_KEY": "sk-own-openai", "ANTHROPIC_API_KEY": "sk-ant-own", "GEMINI_API_KEY": "AIza-own"}
MESSAGES: Any = [{"role": "user", "content": "hi"}]
BROKEN_EVENT = '{"broken": '
FREE = [f"--price={beginning}=0/0" for beginning in ("gpt", "claude", "gemini", "text")]


def drift(provider: PretendedProvider, cwd: Path, *more: str) -> Ended:
    upstreams = [f"--upstream={name}={provider.url}" for name in ("openai", "anthropic", "gemini")]
    return command("drift", str(SCENARIO), *upstreams, *FREE, *more, cwd=cwd, **KEYS)


def changes(ended: Ended) -> list[tuple[str, str, str, str]]:
    """Return protocol, kind, place and severity of each change in a report."""
    report: Any = json.loads(ended.stdout)
    names = ("protocol", "change", "place", "severity")
    return [tuple(change[name] for name in names) for change in report["changes"]]


def expected(planted: Sequence[PlantedChange]) -> list[tuple[str, str, str, str]]:
    return sorted((*change.found, change.severity) for change in planted)


def test_drift_without_changes_finds_none_in_ten_runs(tmp_path: Path) -> None:
    with pretended_provider() as provider:
        for _ in range(10):
            ended = drift(provider, tmp_path, "--json", "--fail-on", "low")
            assert changes(ended) == []
            assert ended.returncode == 0
            assert {row["similarity"] for row in json.loads(ended.stdout)["protocols"]} == {1.0}


def test_drift_finds_all_of_twenty_planted_changes(tmp_path: Path) -> None:
    assert len(PLANTED) == 20
    with pretended_provider(*(change.plant for change in PLANTED)) as provider:
        ended = drift(provider, tmp_path, "--json")
    assert sorted(changes(ended)) == expected(PLANTED)
    assert ended.returncode == 1


@pytest.mark.parametrize("change", PLANTED, ids=lambda change: " ".join(change.found))
def test_drift_finds_each_planted_change_alone(change: PlantedChange, tmp_path: Path) -> None:
    with pretended_provider(change.plant) as provider:
        ended = drift(provider, tmp_path, "--json", "--fail-on", change.severity)
    assert changes(ended) == expected([change])
    assert ended.returncode == 1


FIXABLE = [change for change in PLANTED if change.fixable]


def test_fix_puts_new_fields_in_force_at_once(tmp_path: Path) -> None:
    with pretended_provider(*(change.plant for change in FIXABLE)) as provider:
        fixed = drift(provider, tmp_path, "--fix")
        again = drift(provider, tmp_path, "--scenarios=scenarios", "--json", "--fail-on", "low")
    assert f"{len(FIXABLE)} new fields in scenarios/provider-drift.yaml; all in force" in fixed.stderr
    assert changes(again) == []
    written = (tmp_path / "scenarios/provider-drift/extras.yaml").read_text()
    assert '{"at":"$.choices[]","fields":{"trace":{"by":{"n":0},"id":"","steps":[0]}}}' in written
    assert '"events":["message_delta"]' in written


def test_fixed_pack_is_served_to_clients(tmp_path: Path) -> None:
    with pretended_provider(*(change.plant for change in FIXABLE)) as provider:
        drift(provider, tmp_path, "--fix")
    with MockLLM([str(SCENARIO), str(tmp_path / "scenarios")]) as server:
        client = OpenAI(base_url=server.openai_url, api_key="x")
        answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        client.close()
    assert answer.model_extra == {"cost": 0}


def test_second_fix_leaves_rows_of_other_protocols(tmp_path: Path) -> None:
    with pretended_provider(*(change.plant for change in FIXABLE)) as provider:
        drift(provider, tmp_path, "--fix")
        first = (tmp_path / "scenarios/provider-drift/extras.yaml").read_text()
        only = command(
            "drift", str(SCENARIO), f"--upstream=gemini={provider.url}", *FREE, "--fix", cwd=tmp_path, **KEYS
        )
    second = (tmp_path / "scenarios/provider-drift/extras.yaml").read_text()
    assert "1 new field in scenarios" in only.stderr
    assert first.count("gemini-generate") == second.count("gemini-generate") == 1
    assert '"name":"openai-chat"' in second


def test_second_fix_in_served_folder_leaves_the_same_pack(tmp_path: Path) -> None:
    pack = tmp_path / "scenarios/provider-drift/extras.yaml"
    with pretended_provider(*(change.plant for change in FIXABLE)) as provider:
        drift(provider, tmp_path, "--fix")
        first = pack.read_text()
        (tmp_path / "scenarios/mine.yaml").write_text(SCENARIO.read_text())
        upstreams = [f"--upstream={name}={provider.url}" for name in ("openai", "anthropic", "gemini")]
        again = command("drift", *upstreams, *FREE, "--fix", cwd=tmp_path, **KEYS)
    assert f"{len(FIXABLE)} new fields in scenarios/provider-drift.yaml; all in force" in again.stderr
    assert pack.read_text() == first


def test_fix_writes_no_pack_without_new_fields(tmp_path: Path) -> None:
    with pretended_provider() as provider:
        fixed = drift(provider, tmp_path, "--fix")
    assert "mockllm: no new fields\n" in fixed.stderr
    assert not (tmp_path / "scenarios").exists()


def test_fix_without_scenarios_serves_the_default_pack(tmp_path: Path) -> None:
    with pretended_provider(PLANTED[0].plant) as provider:
        command("drift", f"--upstream=openai={provider.url}", *FREE, "--fix", cwd=tmp_path, **KEYS)
    assert "use: [./provider-drift, default]" in (tmp_path / "scenarios/provider-drift.yaml").read_text()


# --- keys, texts and cost --------------------------------------------------------------------------


def test_keys_are_sent_and_neither_keys_nor_texts_stored(tmp_path: Path) -> None:
    with pretended_provider(*(change.plant for change in PLANTED)) as provider:
        shown = [
            drift(provider, tmp_path),
            drift(provider, tmp_path, "--json"),
            drift(provider, tmp_path, "--fix"),
        ]
    assert {key.removeprefix("Bearer ") for key in provider.keys} == set(KEYS.values())
    files = [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    kept = "".join([*files, *(ended.stdout + ended.stderr for ended in shown)])
    assert "sk-" not in kept
    assert "AIza" not in kept
    assert SECRET_TEXT not in kept


def test_refused_key_ends_the_run(tmp_path: Path) -> None:
    def refuse(answer: ProviderResponse) -> None:
        answer.status = 401

    with pretended_provider(refuse) as provider:
        ended = drift(provider, tmp_path)
    assert ended.returncode == 2
    assert "openai refuses the key (OPENAI_API_KEY): status 401" in ended.stderr
    assert provider.requests == 1


def test_key_comes_from_the_chosen_variable(tmp_path: Path) -> None:
    upstream = "--upstream=openai"
    with pretended_provider() as provider:
        command(
            "drift", str(SCENARIO), f"{upstream}={provider.url}", *FREE, "--key-variable=openai=MY_KEY",
            cwd=tmp_path, MY_KEY="sk-mine", **KEYS,
        )  # fmt: skip
    assert set(provider.keys) == {"Bearer sk-mine"}


def test_requests_beyond_the_bound_are_not_sent(tmp_path: Path) -> None:
    with pretended_provider() as provider:
        upstream = f"--upstream=openai={provider.url}"
        ended = command("drift", str(SCENARIO), upstream, "--max-cost=0.004", cwd=tmp_path, **KEYS)
        sent = provider.requests
        free = command("drift", str(SCENARIO), upstream, *FREE, "--max-cost=0", cwd=tmp_path, **KEYS)
    assert "8 requests to openai, at most $0.0" in ended.stderr
    assert "the bound is --max-cost 0.004: requests beyond it are not sent" in ended.stderr
    assert 0 < sent < 8
    assert f"note: {8 - sent} requests not sent: more would exceed --max-cost 0.004" in ended.stdout
    assert "cost by the usage that the responses report: $0.00" in ended.stderr
    assert provider.requests - sent == 8
    assert "at most $0.0000" in free.stderr


# --- options ---------------------------------------------------------------------------------------


def test_table_has_protocols_changes_and_severities(tmp_path: Path) -> None:
    with pretended_provider(*(change.plant for change in PLANTED)) as provider:
        printed = drift(provider, tmp_path).stdout
    assert "protocol                   responses  similarity" in printed
    assert "high      openai-chat" in printed
    assert "$.usage.total_tokens number -> string" in printed
    assert "CompletionUsage.total_tokens" in printed
    assert "20 changes: 6 high, 6 medium, 8 low" in printed


def test_ignored_places_do_not_count(tmp_path: Path) -> None:
    with pretended_provider(PLANTED[3].plant) as provider:
        ended = drift(provider, tmp_path, "--ignore", "$.creat*")
    assert ended.returncode == 0
    assert "no changes" in ended.stdout


def test_glob_with_lists_matches_the_place_as_it_is_shown() -> None:
    place = "$.choices[].message.tool_calls[].id"
    for glob, result in (
        (place, True),
        ("$.choices[].*[].id", True),
        ("$.choices[].*[].name", False),
        ("$.choices[[]].*[[]].id", True),
    ):
        assert is_ignored(place, [glob]) is result, glob


@pytest.fixture
def using_default(tmp_path: Path) -> str:
    """A scenario file with one example, which uses the pack `default`."""
    own = {"use": ["default"], "examples": [{"request": {"user": "my own words"}}]}
    (tmp_path / "own.yaml").write_text(json.dumps(own))
    return "own.yaml"


def test_examples_of_a_used_pack_are_not_sent(using_default: str, tmp_path: Path) -> None:
    with pretended_provider() as provider:
        command("drift", using_default, f"--upstream=openai={provider.url}", *FREE, cwd=tmp_path, **KEYS)
    assert provider.requests == 1


def test_examples_of_a_named_pack_are_sent(using_default: str, tmp_path: Path) -> None:
    with pretended_provider() as provider:
        upstream = f"--upstream=openai={provider.url}"
        command("drift", using_default, upstream, *FREE, "--pack=default", cwd=tmp_path, **KEYS)
    assert provider.requests > 1


def test_low_change_fails_only_on_request(tmp_path: Path) -> None:
    with pretended_provider(PLANTED[0].plant) as provider:
        codes = [
            drift(provider, tmp_path, "--fail-on", level).returncode for level in ("low", "medium", "none")
        ]
    assert codes == [1, 0, 0]


def test_model_replaces_that_of_examples(tmp_path: Path) -> None:
    seen: list[Any] = []

    def look(answer: ProviderResponse) -> None:
        seen.extend(body["model"] for body in answer.bodies if answer.api == "chat" and "model" in body)

    with pretended_provider(look) as provider:
        drift(provider, tmp_path, "--model", "openai=gpt-4o-mini")
    assert {name.split("-2")[0] for name in seen} == {"gpt-4o-mini"}


def test_page_that_is_no_json_is_unreadable(tmp_path: Path) -> None:
    def page(answer: ProviderResponse) -> None:
        if answer.api == "chat" and not answer.streamed:
            answer.headers["content-type"] = "text/html"

    with pretended_provider(page) as provider:
        ended = drift(provider, tmp_path, "--json")
    assert ("openai-chat", "unreadable", "body", "high") in changes(ended)


def test_stream_with_a_broken_event_is_unreadable(tmp_path: Path) -> None:
    def cut(answer: ProviderResponse) -> None:
        if answer.api == "chat" and answer.streamed:
            answer.events[1] = (None, BROKEN_EVENT)

    with pretended_provider(cut) as provider:
        ended = drift(provider, tmp_path, "--json")
    assert changes(ended) == [("openai-chat stream", "unreadable", "body", "high")]


def test_provider_that_does_not_respond_is_noted(tmp_path: Path) -> None:
    with pretended_provider() as provider:
        pass
    ended = drift(provider, tmp_path)
    assert ended.returncode == 2
    assert ended.stdout.count("note: openai: The upstream of openai does not respond") == 1
    assert "(8 requests)" in ended.stdout
    assert "no changes" not in ended.stdout
    assert "nothing was compared" in ended.stderr


def test_drift_without_a_provider_says_what_is_missing(tmp_path: Path) -> None:
    ended = command("drift", str(SCENARIO), cwd=tmp_path)
    assert ended.returncode == 2
    assert "expected a provider, --upstream openai=https://api.openai.com, or recordings" in ended.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--max-cost=nan", "--max-cost: expected US dollars, such as 0.25, found 'nan'"),
        ("--max-cost=-1", "--max-cost: expected US dollars, such as 0.25, found '-1'"),
        ("--max-cost=free", "--max-cost: expected US dollars, such as 0.25, found 'free'"),
        ("--max-tokens=0", "--max-tokens: expected a whole number of at least 1, found '0'"),
        ("--timeout=0", "--timeout: expected more than 0 seconds, found '0'"),
        ("--model=opnai=x", '--model: opnai is not a known provider; did you mean "openai"?'),
        ("--price=gpt-9", "--price: expected MODEL=IN/OUT in US dollars, found 'gpt-9'"),
        ("--price=gpt-9=1e308/1", "--price: expected MODEL=IN/OUT in US dollars, found 'gpt-9=1e308/1'"),
        ("--price=gpt-9=2", "--price: expected MODEL=IN/OUT in US dollars, found 'gpt-9=2'"),
    ],
)
def test_bad_value_of_drift_is_named(option: str, message: str, tmp_path: Path) -> None:
    ended = command("drift", str(SCENARIO), "--upstream=openai=http://127.0.0.1:1", option, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_drift_without_a_fitting_example_says_so(tmp_path: Path) -> None:
    ended = command("drift", str(SCENARIO), "--upstream=cohere=http://127.0.0.1:1", cwd=tmp_path)
    assert ended.returncode == 2
    assert "no example or request is for cohere" in ended.stderr
    assert "nothing was compared" in ended.stderr


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "$0.0000"), (0.25, "$0.2500"), (0.00123, "$0.0012"), (0.0000314, "$0.000031")]
)
def test_small_cost_is_not_shown_as_nothing(amount: float, text: str) -> None:
    assert dollars(amount) == text


# --- recordings ------------------------------------------------------------------------------------

REQUEST = {"model": "gpt-4o", "messages": MESSAGES}


def test_recordings_are_compared_in_place_of_a_provider(tmp_path: Path) -> None:
    with pretended_provider(PLANTED[0].plant) as provider:
        options = ("--upstream", f"openai={provider.url}", "--out", "recorded")
        with serving(*options, cwd=tmp_path, verb="record") as recorder:
            base = f"{recorder.url}/v1"
            with OpenAI(base_url=base, api_key="sk-a-real-key-of-mine") as client:
                client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
                with client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True) as stream:
                    assert list(stream)
            until(lambda: len(list(tmp_path.rglob("*.yaml"))) == 2)
    ended = command("drift", str(SCENARIO), "--against", "recorded", "--json", cwd=tmp_path)
    assert changes(ended) == [(*PLANTED[0].found, "low")]
    assert [row["exchanges"] for row in json.loads(ended.stdout)["protocols"]] == [1, 1]


def test_imported_files_are_compared_and_others_noted(tmp_path: Path) -> None:
    (tmp_path / "recorded").mkdir()
    with pretended_provider(PLANTED[0].plant) as provider:
        posted = Request(f"{provider.url}/v1/chat/completions", json.dumps(REQUEST).encode())
        with urlopen(posted, timeout=30) as response:
            body = json.load(response)
    exchange = {
        "request": {"path": "/v1/chat/completions", "body": REQUEST},
        "response": {"status": 200, "body": body},
    }
    (tmp_path / "recorded/one.json").write_text(json.dumps(exchange))
    (tmp_path / "recorded/two.json").write_text("{}")
    ended = command("drift", str(SCENARIO), "--against", "recorded", "--fail-on", "low", cwd=tmp_path)
    assert ended.returncode == 1
    assert "openai-chat  new field  $.cost number" in ended.stdout
    assert "note: recorded/two.json is no recording" in ended.stdout


def test_recording_with_a_broken_event_is_unreadable(tmp_path: Path) -> None:
    replay = {
        "headers": {"content-type": "text/event-stream"},
        "frames": ['data: {"choices":[]}\n\n', f"data: {BROKEN_EVENT}\n\n"],
    }
    example = {"request": {"user": "hi", "stream": True}}
    (tmp_path / "recorded.yaml").write_text(
        json.dumps({"validation": "off", "rules": [{"replay": replay}], "examples": [example]})
    )
    ended = command("drift", str(SCENARIO), "--against", "recorded.yaml", "--json", cwd=tmp_path)
    assert changes(ended) == [("openai-chat stream", "unreadable", "body", "high")]


def test_recorded_requests_are_sent_with_the_users_key(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text(json.dumps(REQUEST))
    with pretended_provider(PLANTED[0].plant) as provider:
        ended = drift(provider, tmp_path, "--requests", "body.json", "--json")
    assert changes(ended) == [(*PLANTED[0].found, "low")]
    assert provider.keys == ["Bearer sk-own-openai"]
