"""Rules are read, switched off, copied, written and deleted, with an editor that knows the language."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.dashboard.conftest import complaints
from tests.dashboard.dashboard_page import FILES, Dashboard, DashboardServer, Got, served
from tests.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardServer]:
    """A server that may write its files."""
    with served(tmp_path_factory.mktemp("editable"), "--edit") as built:
        yield built


@pytest.fixture
def files(editable: DashboardServer, browser: Browser) -> Iterator[Dashboard]:
    """A page of it; its files are as they were at the beginning."""
    for name in os.listdir(editable.folder):
        if name not in FILES:
            (editable.folder / name).unlink()
    for name, text in FILES.items():
        (editable.folder / name).write_text(text.lstrip())
    editable.call("POST", "/api/reload")
    editable.call("POST", "/api/reset", {})
    with browser.new_context(viewport={"width": 1400, "height": 1000}) as context:
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        with complaints(page, editable.url) as found:
            yield Dashboard(page, editable)
        assert found == []


def at(dashboard: Dashboard, address: str) -> Page:
    page = dashboard.page
    page.goto("about:blank")
    page.goto(f"{dashboard.server.url}/dashboard#/{address}")
    return page


def editor(page: Page) -> Locator:
    found = page.locator(".editor .cm-content")
    expect(found).to_be_visible()
    return found


def typed(page: Page, text: str) -> None:
    """Replace the whole text of the editor."""
    editor(page).focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def reported(got: Got) -> str:
    return str(json.loads(got.body)["choices"][0]["message"]["content"])


def test_rule_shows_text_counts_and_last_requests(dashboard: Dashboard) -> None:
    server = dashboard.server
    for _ in range(2):
        server.ask("hello")
    page = dashboard.open("rules", anew=True).page
    page.locator(".rows .row").filter(has_text="hello").click()
    pane = page.get_by_role("complementary", name="hello")
    expect(pane.get_by_label("the rule", exact=True)).to_contain_text("contains: hello")
    expect(pane.locator(".facts")).to_contain_text("scenarios/a.yaml:2")
    expect(pane.locator(".facts")).to_contain_text("Selected2")
    expect(pane.locator(".last li")).to_have_count(2)
    server.ask("hello")
    expect(pane.locator(".last li")).to_have_count(3)
    pane.get_by_role("button", name="Show request").first.click()
    expect(page.locator(".detail .headline")).to_contain_text("200")
    page.locator(".detail").get_by_role("link", name="a.yaml:hello").click()
    expect(page.get_by_role("complementary", name="hello")).to_be_visible()


def test_file_rule_is_switched_off_and_on(dashboard: Dashboard) -> None:
    server = dashboard.server
    page = at(dashboard, "rules/rule/a.yaml%3Ahello")
    page.get_by_role("button", name="Switch off").click()
    dashboard.reported("hello is switched off")
    assert server.ask("hello").status == 404
    row = page.locator(".rows .row.off")
    expect(row).to_contain_text("off")
    expect(page.locator(".rows .row").first).to_have_class(re.compile(r"\boff\b"))  # where people see it
    row.click()
    page.get_by_role("button", name="Switch on").click()
    dashboard.reported("hello is switched on")
    assert server.ask("hello").status == 200
    assert server.call("GET", "/api/overlay")["items"] == []


def test_overlay_rule_is_switched_off_and_deleted(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.call("POST", "/api/rules", {"name": "mine", "match": {"user": "me"}, "reply": "You."})
    page = at(dashboard, "rules/rule/overlay%3Amine")
    page.get_by_role("button", name="Switch off").click()
    dashboard.reported("mine is switched off")
    assert server.ask("me").status == 404
    page.locator(".rows .row.off").click()
    page.get_by_role("button", name="Switch on").click()
    dashboard.reported("mine is switched on")
    expect(page.locator(".rows .row.off")).to_have_count(0)
    assert reported(server.ask("me")) == "You."
    page.locator(".rows .row").filter(has_text="mine").click()
    page.get_by_role("button", name="Delete").click()
    dashboard.reported("mine is removed")
    assert server.ask("me").status == 404


def test_copy_in_the_overlay_takes_the_rules_place(dashboard: Dashboard) -> None:
    server = dashboard.server
    server.ask("words")
    page = at(dashboard, "rules/rule/a.yaml%3Awords")
    page.get_by_role("button", name="Copy to the overlay").click()
    expect(editor(page)).to_contain_text("a.yaml:words")
    expect(page.locator(".preview")).to_contain_text("It would respond to 1 request.")
    expect(page.locator(".preview")).to_contain_text("Rule words would lose 1")
    text = 'name: words\nreplaces: "a.yaml:words"\nmatch: {user: {contains: words}}\nreply: Fewer.\n'
    typed(page, text)
    page.keyboard.press("ControlOrMeta+s")
    dashboard.reported("words is active")
    assert reported(server.ask("words")) == "Fewer."
    expect(page.get_by_role("complementary", name="words")).to_contain_text("overlay.yaml")
    page.get_by_role("button", name="Edit", exact=True).click()
    typed(page, text.replace("Fewer", "None"))
    page.get_by_role("button", name="Save in the overlay").click()
    dashboard.reported("words is active")
    assert reported(server.ask("words")) == "None."


STYLES = """rules:
  - {name: flow, match: {user:
      {contains: flow}}, enabled: true, reply: "Old."}
  - name: >-
      folded
    match: {user: folded}
    reply: Old.
"""


@pytest.mark.parametrize("name", ["flow", "folded"])
def test_rule_of_any_style_is_copied_to_the_overlay(files: Dashboard, name: str) -> None:
    server = files.server
    (server.folder / "b.yaml").write_text(STYLES)
    server.call("POST", "/api/reload")
    page = at(files, f"rules/rule/b.yaml%3A{name}")
    page.get_by_role("button", name="Copy to the overlay").click()
    expect(editor(page)).to_contain_text("Old.")
    page.get_by_role("button", name="Add to the overlay").click()
    files.reported(f"{name} is active")
    assert reported(server.ask(name)) == "Old."
    assert server.last()["rule"] == f"overlay:{name}"


def test_new_rule_from_request_shows_who_would_lose(dashboard: Dashboard) -> None:
    server = dashboard.server
    for user in ("hello there", "hello there", "something else"):
        server.ask(user)
    number = server.last()["id"] - 1
    page = dashboard.open("requests", anew=True).page
    page.locator(".rows .row").nth(1).click()
    page.get_by_role("button", name="New rule from this request").click()
    expect(page.get_by_role("heading", name=f"New rule from request {number}")).to_be_visible()
    expect(editor(page)).to_contain_text("user: hello there")
    effect = page.get_by_role("region", name="Effect on the last requests")
    expect(effect).to_contain_text("Effect on the last 3 requests")
    expect(effect).to_contain_text("It would respond to 2 requests.")
    expect(effect).to_contain_text("Rule hello would lose 2")
    add = page.get_by_role("button", name="Add to the overlay")
    expect(add).to_be_disabled()
    page.keyboard.type("Mine now.")  # the placeholder is selected
    expect(add).to_be_enabled()
    text = editor(page).inner_text().replace("user: hello there", "user: {contains: e}")
    typed(page, text)
    expect(effect).to_contain_text("It would respond to 3 requests.")
    expect(effect).to_contain_text("1 request had no rule")
    add.click()
    dashboard.reported("is active")
    assert reported(server.ask("something else")) == "Mine now."


def test_slow_check_of_an_earlier_text_changes_nothing(dashboard: Dashboard) -> None:
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    dashboard.page.route("**/api/rules/preview*", hold_first)
    page = at(dashboard, "rules/new")
    expect(page.get_by_role("button", name="Add to the overlay")).to_be_disabled()
    typed(page, "name: x\nmatch: {usr: y}\nreply: z\n")
    mistakes = page.get_by_role("status", name="Mistakes")
    expect(mistakes).to_contain_text("rules[0].match.usr")
    with page.expect_response("**/api/rules/preview*"):
        held[0].continue_()
    page.evaluate("() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 50))")
    expect(mistakes).to_contain_text("rules[0].match.usr")


def test_diagnostics_of_the_server_have_line_and_column(dashboard: Dashboard) -> None:
    page = at(dashboard, "rules/new")
    typed(page, "name: x\nmatch: {usr: y}\nreply: z\n")
    mistakes = page.get_by_role("status", name="Mistakes")
    expect(mistakes).to_contain_text('line 2, column 9: rules[0].match.usr: unknown key; did you mean "user"')
    expect(page.locator(".cm-lintRange-error")).to_have_text("usr")
    expect(page.get_by_role("button", name="Add to the overlay")).to_be_disabled()
    mistakes.get_by_role("button").first.click()
    page.keyboard.type("se")  # in front of `usr`
    page.keyboard.press("ControlOrMeta+z")
    typed(page, "name: x\nmatch: {user: y}\nreply: z\n")
    expect(mistakes).to_be_empty()
    expect(page.get_by_role("button", name="Add to the overlay")).to_be_enabled()


@pytest.mark.parametrize(
    ("before", "key", "choices"),
    [
        ("name: x\n", "rep", ["reply", "replay", "replaces"]),
        ("match:\n  us", "e", ["user"]),
        ("match: {us", "e", ["user"]),
        ("reply: x\nerror: over", "l", ["overloaded"]),
        ("rules:\n  - name: x\n    match:\n      user: {cont", "a", ["contains"]),
        ("rules:\n- name: x\n  fall", "b", ["fallback"]),
        ("sequence:\n  - reply: x\n    tim", "e", ["times"]),
        ("faults:\n  - stall:\n      aft", "e", ["after"]),
    ],
)
@pytest.mark.covering(count=2)
def test_editor_completes_keys_and_values(
    dashboard: Dashboard, before: str, key: str, choices: list[str]
) -> None:
    page = at(dashboard, "rules/new")
    typed(page, before)
    page.keyboard.type(key)
    shown = page.locator(".cm-tooltip-autocomplete li .cm-completionLabel")
    for choice in choices:
        expect(shown.get_by_text(choice, exact=True)).to_be_visible()
    if choices != ["overloaded"]:
        expect(page.locator(".cm-completionInfo")).not_to_be_empty()


def test_key_under_the_mouse_is_described(dashboard: Dashboard) -> None:
    page = at(dashboard, "rules/new")
    editor(page).get_by_text("reply", exact=True).hover()
    expect(page.locator(".cm-hover")).not_to_be_empty()


def test_editor_is_loaded_only_where_one_edits(dashboard: Dashboard) -> None:
    page, loaded = dashboard.page, []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    dashboard.open("rules", anew=True)
    page.locator(".rows .row").first.click()
    expect(page.get_by_role("button", name="Copy to the overlay")).to_be_visible()
    assert "editor.js" not in loaded
    page.get_by_role("button", name="New rule").first.click()
    expect(editor(page)).to_be_visible()
    assert "editor.js" in loaded


def test_file_is_edited_and_active_at_once(files: Dashboard) -> None:
    server = files.server
    page = at(files, "rules/rule/a.yaml%3Ahello")
    page.get_by_role("button", name="Edit in a.yaml").click()
    changed = FILES["a.yaml"].lstrip().replace("[One,", "[Uno,")
    typed(page, changed)
    expect(page.locator(".detail-head")).to_contain_text("not saved")
    page.get_by_role("button", name="Save the file").click()
    files.reported("a.yaml is saved and active")
    assert (server.folder / "a.yaml").read_text() == changed
    assert reported(server.ask("hello")).startswith("Uno")
    expect(page.locator(".detail-head")).not_to_contain_text("not saved")


def test_mistake_in_a_file_is_shown_and_not_saved(files: Dashboard) -> None:
    page = at(files, "rules/file/b.yaml")
    typed(page, "rules:\n  - name: draft\n    repyl: Soon.\n")
    expect(page.get_by_role("status", name="Mistakes")).to_contain_text("line 3, column 5")
    expect(page.get_by_role("button", name="Save the file")).to_be_disabled()
    page.keyboard.press("ControlOrMeta+s")
    files.reported("repyl")
    assert (files.server.folder / "b.yaml").read_text() == FILES["b.yaml"]


def test_change_by_another_program_is_a_conflict(files: Dashboard) -> None:
    server = files.server
    file = server.folder / "b.yaml"
    page = at(files, "rules/file/b.yaml")
    typed(page, FILES["b.yaml"].replace("Soon.", "Mine."))
    file.write_text(FILES["b.yaml"].replace("Soon.", "Theirs."))
    page.keyboard.press("ControlOrMeta+s")
    conflict = page.get_by_role("region", name="Conflict")
    expect(conflict).to_contain_text("The file has changed since you opened it")
    expect(conflict.locator(".d-removed")).to_contain_text("Mine.")
    expect(conflict.locator(".d-added")).to_contain_text("Theirs.")
    assert "Theirs." in file.read_text()
    conflict.get_by_role("button", name="Keep my text").click()
    page.get_by_role("button", name="Save the file").click()
    until(lambda: "Mine." in file.read_text())
    file.write_text(FILES["b.yaml"].replace("Soon.", "Again."))
    expect(editor(page)).to_contain_text("Again.")  # nothing was typed: the text follows the file


def test_line_ends_of_a_file_are_preserved(files: Dashboard) -> None:
    file = files.server.folder / "b.yaml"
    windows = FILES["b.yaml"].replace("\n", "\r\n").encode()
    file.write_bytes(windows)
    page = at(files, "rules/file/b.yaml")
    expect(editor(page)).to_contain_text("Soon.")
    file.write_bytes(windows.replace(b"Soon.", b"Theirs."))
    expect(editor(page)).to_contain_text("Theirs.")  # nothing was typed: the text follows the file
    typed(page, FILES["b.yaml"].replace("Soon.", "Mine."))
    page.get_by_role("button", name="Save the file").click()
    files.reported("b.yaml is saved and active")
    assert file.read_bytes() == windows.replace(b"Soon.", b"Mine.")


def away_and_back(page: Page, meanwhile: Callable[[], object] = bool) -> None:
    page.get_by_role("tab", name="Requests").click()
    expect(page.get_by_role("tabpanel")).to_have_id("view-requests")
    meanwhile()
    page.go_back()


def test_unsaved_text_of_a_file_is_preserved(files: Dashboard) -> None:
    page = at(files, "rules/file/b.yaml")
    typed(page, FILES["b.yaml"].replace("Soon.", "Mine."))
    away_and_back(page)
    expect(editor(page)).to_contain_text("Mine.")
    expect(page.locator(".detail-head")).to_contain_text("not saved")
    theirs = FILES["b.yaml"].replace("Soon.", "Theirs.")
    away_and_back(page, lambda: (files.server.folder / "b.yaml").write_text(theirs))
    expect(page.get_by_role("region", name="Conflict")).to_contain_text("Theirs.")
    expect(editor(page)).to_contain_text("Mine.")


def test_unsaved_text_of_a_rule_is_preserved(dashboard: Dashboard) -> None:
    page = at(dashboard, "rules/new")
    typed(page, "name: mine\nreply: Mine.\n")
    away_and_back(page)
    expect(editor(page)).to_contain_text("name: mine")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="New rule", exact=True).click()
    expect(editor(page)).to_contain_text("name: my-rule")


def test_new_file_is_created(files: Dashboard) -> None:
    page = at(files, "rules/files")
    expect(page.get_by_role("complementary")).to_contain_text("b.yaml")
    page.get_by_label("New file").fill("more")
    page.get_by_role("button", name="Create").click()
    typed(page, "rules:\n  - name: new\n    match: {user: new}\n    reply: New.\n")
    page.get_by_role("button", name="Save the file").click()
    files.reported("more.yaml is saved and active")
    assert reported(files.server.ask("new")) == "New."


def test_server_without_edit_only_shows_files(dashboard: Dashboard) -> None:
    page = at(dashboard, "rules/file/a.yaml")
    expect(page.get_by_role("complementary")).to_contain_text("start the server with --edit")
    before = editor(page).inner_text()
    editor(page).click()
    page.keyboard.type("x")
    assert editor(page).inner_text() == before
    expect(page.get_by_role("button", name="Save the file")).to_have_count(0)
    assert Path(dashboard.server.folder / "a.yaml").read_text() == FILES["a.yaml"].lstrip()


def test_rule_is_written_by_keyboard_alone(dashboard: Dashboard) -> None:
    page = dashboard.open("rules", anew=True).page
    page.get_by_role("button", name="New rule").first.focus()
    page.keyboard.press("Enter")
    expect(editor(page)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("name: keys\nmatch: {user: keys}\nreply: Typed.\n")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # the editor does not keep the focus
    expect(editor(page)).not_to_be_focused()
    expect(page.get_by_role("button", name="Add to the overlay")).to_be_enabled()
    page.get_by_role("button", name="Add to the overlay").press("Enter")
    dashboard.reported("keys is active")
    assert reported(dashboard.server.ask("keys")) == "Typed."
