"""Requests are searched in their bodies, sent again, copied, compared, and read as conversations."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard, served
from tests.dashboard.test_replay import KEY, raw_request
from tests.waiting import until

TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "hello, what is the weather?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "c1",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "21 degrees"},
]
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}


def requested(dashboard: Dashboard, **body: object) -> None:
    dashboard.server.send("POST", "/v1/chat/completions", {"model": "gpt-4o", **body}, KEY)


def test_text_of_bodies_and_streams_is_found(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask("hello zebra")
    server.ask("hello", stream=True)
    server.ask("words")
    page = dashboard.open("requests", anew=True).page
    rows = page.locator(".rows .row")
    expect(rows).to_have_count(3)
    search = page.get_by_label("Filter the journal")
    search.fill("ZEBRA")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("hello")
    search.fill("One two thr")  # in three events of the stream, and in whole responses
    expect(rows).to_have_count(3)
    search.fill("five six")
    expect(rows).to_have_count(1)
    search.fill("nothing has this")
    expect(rows).to_have_count(0)


def test_searched_text_is_as_long_as_the_server_reads(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask(f"hello {'z' * 600}")
    page = dashboard.open("requests", anew=True).page
    page.get_by_label("Filter the journal").focus()
    page.keyboard.insert_text("z" * 600)
    expect(page.get_by_label("Filter the journal")).to_have_value("z" * 500)
    expect(page.locator(".rows .row")).to_have_count(1)


def test_filters_are_stored_in_the_address(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask("hello")
    server.ask("hello", stream=True)
    server.ask("nobody answers this")
    page = dashboard.open("requests", anew=True).page
    rows = page.locator(".rows .row")
    page.get_by_label("Kind", exact=True).select_option("streams")
    page.get_by_label("Filter the journal").fill("gpt-4o")
    expect(rows).to_have_count(1)
    assert "kind=streams" in page.url
    rows.click()
    expect(page.locator(".detail .headline")).to_contain_text("200")
    assert re.search(r"#/requests/\d+\?text=gpt-4o&kind=streams$", page.url)
    page.reload()
    expect(page.get_by_label("Filter the journal")).to_have_value("gpt-4o")
    expect(rows).to_have_count(1)
    page.get_by_role("tab", name="Live").click()
    page.go_back()
    expect(page.get_by_label("Kind", exact=True)).to_have_value("streams")


NOTICES_STAY = """() => {
    const later = window.setTimeout;
    window.setTimeout = (act, wait, ...more) => (wait === 9000 ? 0 : later(act, wait, ...more));
}"""
"""The page removes the notice of a problem after nine seconds."""


def test_notice_of_problem_goes_with_later_success(dashboard: Dashboard, tmp_path: Path) -> None:
    dashboard.server.ask("hello")
    with served(tmp_path) as other:
        page = dashboard.open("requests", anew=True).page
        page.evaluate(NOTICES_STAY)
        page.locator(".rows .row").click()
        page.get_by_role("button", name="Edit and replay").click()
        page.get_by_label("Server", exact=True).fill("http://127.0.0.1:99999")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".notice.bad")).to_have_count(1)
        page.get_by_label("Server", exact=True).fill(other.url)
        page.get_by_role("button", name="Send").click()
        response = page.get_by_role("region", name="Response of the other server")
        expect(response.get_by_role("status")).to_contain_text("200 from")
        expect(page.locator(".notice")).to_have_count(0)


def shell(command: str) -> bytes:
    """What a command prints to a user who has set the key."""
    key = {"API_KEY": "any", "PATH": "/usr/bin:/bin"}
    return subprocess.run(["sh", "-c", command], env=key, capture_output=True, timeout=30, check=True).stdout


def test_request_copied_as_curl_repeats_it(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask('hello it\'s "me"', headers={"x-mockllm-session": "mine"})
    page = dashboard.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Copy as curl").click()  # its name is the text that people see
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    command = page.evaluate("navigator.clipboard.readText()")
    assert "sk-1" not in command
    assert json.loads(shell(command))["choices"][0]["message"]["content"] == "One two three"
    until(lambda: server.last()["session"] == "mine" and server.last()["rule"] == "a.yaml:hello")


def test_curl_command_sends_the_path_as_it_is(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    raw_request(server.port, "/v1/../api/reset")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    shell(page.evaluate("navigator.clipboard.readText()"))
    until(lambda: len(server.call("GET", "/api/requests")["requests"]) == 2)
    assert server.last()["path"] == "/v1/../api/reset"
    page.get_by_role("button", name="Copy as Python").click()
    dashboard.reported("`curl --path-as-is` can")


HOSTILE = """a"+'$(echo${IFS}evil)`echo${IFS}evil`\\$API_KEY[1-2]{b,c}"""


def test_texts_of_client_in_curl_command_are_no_code(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    headers = {
        "authorization": "Bearer sk-1",
        "x-mine": HOSTILE,
        "x-both": f"{HOSTILE} sk-1234567890abcdefghijklmnop",
    }
    server.send("POST", f"/nothing/{HOSTILE}?q={HOSTILE}", {"model": f"{HOSTILE}\n"}, headers)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    before = server.call("GET", f"/api/requests/{server.last()['id']}")
    shell(page.evaluate("navigator.clipboard.readText()"))
    until(lambda: server.last()["id"] > before["id"])
    after = server.call("GET", f"/api/requests/{server.last()['id']}")
    assert (after["method"], after["path"]) == ("POST", before["path"])
    assert after["request"]["body"] == before["request"]["body"]
    sent = {each["name"]: each["value"] for each in after["request"]["headers"]}
    assert sent["x-mine"] == HOSTILE
    assert sent["x-both"] == f"{HOSTILE} any"


@pytest.mark.parametrize(
    ("endpoint", "sdk"), [("openai-chat", "openai"), ("anthropic-messages", "anthropic")]
)
@pytest.mark.covering(count=1)
def test_request_copied_as_python_repeats_it(dashboard: Dashboard, endpoint: str, sdk: str) -> None:
    pytest.importorskip(sdk)
    server, page = dashboard.server, dashboard.page
    server.ask("hello", endpoint=endpoint)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dashboard.open("requests", anew=True)
    page.locator(".rows .row").click()
    page.get_by_role("button", name="Copy as Python").click()  # its name is the text that people see
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    program = page.evaluate("navigator.clipboard.readText()")
    assert f"import {sdk}" in program
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "One two three" in done.stdout, done.stderr
    assert server.last()["rule"] == "a.yaml:hello"


def test_conversation_shows_turns_tools_and_results(dashboard: Dashboard) -> None:
    requested(dashboard, messages=TURNS, tools=[TOOL], stream=True)
    page = dashboard.open("requests", anew=True).page
    page.locator(".rows .row").click()
    turns = page.get_by_role("list", name="Turns").get_by_role("listitem")
    expect(turns).to_have_count(5)
    expect(turns.nth(0)).to_contain_text("Be brief.")
    expect(turns.nth(2)).to_contain_text("calls get_weather")
    expect(turns.nth(2)).to_contain_text("Paris")
    expect(turns.nth(3)).to_contain_text("result of get_weather")
    expect(turns.nth(3)).to_contain_text("21 degrees")
    expect(turns.nth(4)).to_contain_text("One two three")  # the joined text of the stream
    expect(page.locator(".detail")).to_contain_text("Offered tools: get_weather")
    expect(page.locator(".detail")).to_contain_text("Finish reason stop")


def test_stream_is_drawn_over_time_with_its_fault(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.call("POST", "/api/rules", {"modifiers": [{"faults": [{"close": {"after": {"chunks": 2}}}]}]})
    server.ask("paced", stream=True)
    page = dashboard.open("requests", anew=True).page
    page.locator(".rows .row").click()
    axis = page.locator(".axis")
    expect(axis).to_have_accessible_name(re.compile(r"events sent in .* after the plan.*faults: close"))
    expect(axis.locator(".fault")).to_have_count(1)
    page.get_by_text(re.compile(r"^\d+ events$")).click()
    events = page.get_by_role("list", name="Events with their times").locator("li")
    expect(events.filter(has_text="cut")).to_contain_text("close")
    planned = events.locator(".at:nth-child(2)").all_inner_texts()
    assert any("20\u00a0ms" in each for each in planned), "the plan's times are those of the rule"


def test_two_requests_are_compared(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask("hello")
    server.ask("words", temperature=0.5)
    first = server.last()["id"] - 1
    page = dashboard.open("requests", anew=True).page
    page.locator(".rows .row").last.click()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator(".compare")).to_contain_text("Select another request")
    page.locator(".rows .row").first.click()
    pane = page.get_by_role("region", name=f"Request {first} (−) and request {first + 1} (+)")
    bodies = pane.get_by_label("Bodies of the requests")
    expect(bodies.locator(".d-removed")).to_contain_text(['"content": "hello"'])
    expect(bodies.locator(".d-added")).to_contain_text(['"content": "words"', '"temperature": 0.5'])
    expect(pane.get_by_label("Rule and status")).to_contain_text("a.yaml:words")
    pane.get_by_role("button", name="Stop comparing").click()
    expect(page.locator(".compare")).to_have_count(0)


def test_stall_is_marked_where_the_stream_went_on(dashboard: Dashboard) -> None:
    server = dashboard.server
    fault = {"stall": {"after": {"chunks": 2}, "for": "50ms"}}
    server.call("POST", "/api/rules", {"modifiers": [{"faults": [fault]}]})
    server.ask("paced", stream=True)
    page = dashboard.open("requests", anew=True).page
    page.locator(".rows .row").click()
    expect(page.locator(".axis")).to_have_accessible_name(re.compile("faults: stall"))
    expect(page.locator(".axis .fault")).to_have_count(1)
    page.get_by_text(re.compile(r"^\d+ events$")).click()
    marked = page.get_by_role("list", name="Events with their times").locator("li.fault")
    expect(marked).to_contain_text(["stall"])
    expect(marked).to_contain_text([" three"])


def test_verdict_shows_its_tries_on_a_time_line(dashboard: Dashboard) -> None:
    server = dashboard.server
    error = {"type": "rate_limit", "retry_after": "60s"}
    server.call("POST", "/api/rules", {"modifiers": [{"chance": 1, "error": error}]})
    for _ in range(3):
        server.ask("hello")
    page = dashboard.open("clients", anew=True).page
    tries = page.get_by_role("list", name="Tries of retry after ignored").locator("li")
    expect(tries).to_have_count(3)
    expect(tries.nth(1)).to_have_text(re.compile(r"Request \d+: 429 rate_limit, .* after the one before"))
    page.locator(".verdict").first.get_by_role("button", name="Show request").nth(2).press("Enter")
    expect(page.locator(".detail .headline")).to_contain_text("429")


def test_session_shows_its_requests_on_a_time_line(dashboard: Dashboard) -> None:
    for user in ("hello", "words", "nobody answers"):
        dashboard.server.ask(user, headers={"x-mockllm-session": "mine"})
    page = dashboard.open("clients", anew=True).page
    expect(page.get_by_role("list", name="Requests of session mine").locator("li")).to_have_count(3)
