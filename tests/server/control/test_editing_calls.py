"""Rules with their texts, previews of changes, and the files of the scenario folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from mockllm.core.redaction import Redactor
from tests.server.control.live_server import EXAMPLE, Steered, steered

FILE = EXAMPLE.lstrip()
KEY = "sk-proj-abcdefgh12345678"
"""A client may use its key as the id of a session."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": FILE}) as built:
        yield built


def rule(server: Steered, id: str, query: str = "") -> dict[str, object]:
    found: dict[str, object] = server.call("GET", f"/api/rules/{quote(id, safe='')}{query}").json
    return found


def test_rule_has_the_text_of_its_file(server: Steered) -> None:
    server.reply_text("hello")
    found = rule(server, "a.yaml:hello")
    assert found["yaml"] == "name: hello\nmatch: {user: {contains: hello}}\nreply: Hello you.\n"
    assert (found["file"], found["line"], found["answers"], found["pack"]) == ("a.yaml", 2, 1, None)
    last = rule(server, "a.yaml:quota")
    assert str(last["yaml"]).endswith("limit: {strategy: fixed-window, requests: 1, window: 1m}\n")
    assert last["kind"] == "modifier"


@pytest.mark.full
def test_rule_of_one_line_is_written_as_yaml(server: Steered) -> None:
    file = (
        '{"rules": [{"name": "one", "match": {"user": "1"}, "reply": "I"}, {"name": "two", "reply": "II"}]}'
    )
    (server.folder / "a.yaml").write_text(file)
    server.call("POST", "/api/reload")
    assert rule(server, "a.yaml:one")["yaml"] == "name: one\nmatch:\n  user: '1'\nreply: I\n"


@pytest.mark.full
def test_comments_before_the_next_rule_are_not_part(server: Steered) -> None:
    text = "rules:\n\n  # the first\n  - name: x # here\n    reply: X\n\n  # the next\n  - reply: Y\n"
    (server.folder / "a.yaml").write_text(text)
    server.call("POST", "/api/reload")
    assert rule(server, "a.yaml:x")["yaml"] == "name: x # here\nreply: X\n"
    assert rule(server, "a.yaml:rules[1]")["yaml"] == "reply: Y\n"


def test_rule_of_an_overlay_has_its_text(server: Steered) -> None:
    server.call("POST", "/api/rules", {"name": "mine", "match": {"user": "x"}, "reply": "y"})
    server.call("POST", "/api/rules?session=s1", {"name": "own", "reply": "z"})
    mine, own = rule(server, "overlay:mine"), rule(server, "session:own")
    assert (mine["yaml"], mine["layer"]) == ("name: mine\nmatch:\n  user: x\nreply: y\n", "overlay")
    assert (own["yaml"], own["session"], own["file"]) == ("name: own\nreply: z\n", "s1", None)


COLON = "rules: [{name: 'a: b', match: {user: x}, reply: One.}, {name: b, match: {user: y}, reply: Two.}]\n"


def test_rule_is_found_by_a_name_with_a_colon(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": COLON}) as server:
        assert server.reply_text("x") == "One."
        assert "reply: One." in str(rule(server, "a.yaml:a: b")["yaml"])
        for name, count in (("a: b", 1), ("a.yaml:a: b", 1), ("b", 0), (" b", 0)):
            found = server.call("GET", f"/api/requests?rule={quote(name)}").json["requests"]
            assert len(found) == count
            expected = {"rule": name, "exactly": count}
            assert server.call("POST", "/api/verify", {"expect": [expected]}).json["passed"] is (name != " b")
        message = server.call("POST", "/api/verify", {"expect": [{"rule": "a: c", "exactly": 0}]}).text
        assert 'did you mean \\"a: b\\"?' in message
        for id in ("overlay", "session"):
            query = "?session=s" if id == "session" else ""
            preview = server.call(
                "POST", f"/api/rules/preview{query}", {"name": "p: q", "reply": "New."}
            ).json
            assert preview["changed"] == [f"{id}:p: q"]
            server.call("PUT", f"/api/rules/p%3A%20q{query}", {"reply": "New."})
            assert rule(server, f"{id}:p: q")["yaml"] == "name: 'p: q'\nreply: New.\n"


def test_rules_of_two_sessions_may_have_one_name(server: Steered) -> None:
    for session in ("A", "B", KEY):
        server.call("POST", f"/api/rules?session={session}", {"name": "own", "reply": f"Of {session[:1]}."})
    for session in ("A", "B", KEY, Redactor().session(KEY)):
        found = rule(server, "session:own", f"?session={session}")
        assert found["session"] == Redactor().session(session)
        assert found["yaml"] == f"name: own\nreply: Of {'s' if len(session) > 1 else session}.\n"
    assert rule(server, "session:own")["yaml"] == "name: own\nreply: Of A.\n"
    for id in ("session:own", "a.yaml:hello"):
        found = rule(server, id, "?session=C")
        assert found["status"] == 404
        assert "session C" in str(found["detail"])


def test_rule_that_replaces_one_of_a_file_is_of_the_overlay(server: Steered) -> None:
    server.call("POST", "/api/rules", {"name": "hello", "replaces": "a.yaml:hello", "reply": "New."})
    found = rule(server, "overlay:hello")
    assert (found["layer"], found["file"]) == ("overlay", None)
    assert "reply: New." in str(found["yaml"])


def test_unknown_rule_is_a_404(server: Steered) -> None:
    assert server.call("GET", "/api/rules/nothing").status == 404


def test_preview_names_requests_and_the_losing_rule(server: Steered) -> None:
    for user in ("hello", "hello again", "nobody answers"):
        server.ask(user)
    before = server.call("GET", "/api/rules").raw
    text = "match: {user: {contains: again}}\nreply: New."
    found = server.call("POST", "/api/rules/preview", text).json
    assert found["errors"] == []
    assert found["changed"] == ["overlay:rule-1"]
    assert found["checked"] == 3
    (request,) = found["requests"]
    assert (request["id"], request["before"], request["after"]) == (2, "a.yaml:hello", "overlay:rule-1")
    assert request["user"] == "hello again"
    assert server.call("GET", "/api/rules").raw == before, "nothing has changed"
    everything = server.call("POST", "/api/rules/preview?limit=2", "reply: All.").json
    assert [(each["id"], each["before"]) for each in everything["requests"]] == [
        (3, None),
        (2, "a.yaml:hello"),
    ]


def test_preview_leaves_responses_without_a_rule(server: Steered) -> None:
    server.call("GET", "/v1/models")
    (entry,) = server.call("GET", "/api/requests").json["requests"]
    assert entry["rule"] == "openai:models"
    assert server.call("POST", "/api/rules/preview", "reply: New.").json["requests"] == []
    text = "match: {path: /v1/models}\nhttp: {status: 200, body: New.}"
    (request,) = server.call("POST", "/api/rules/preview", text).json["requests"]
    assert (request["before"], request["after"]) == ("openai:models", "overlay:rule-1")


def test_preview_of_a_switched_off_rule_shows_the_next(server: Steered) -> None:
    server.ask("hello")
    text = "rules: [{name: off, replaces: 'a.yaml:hello', enabled: false}]"
    (request,) = server.call("POST", "/api/rules/preview", text).json["requests"]
    assert (request["before"], request["after"]) == ("a.yaml:hello", None)


def test_preview_leaves_requests_of_deleted_rules(server: Steered) -> None:
    server.call("POST", "/api/rules", {"name": "gone", "match": {"user": "x"}, "reply": "y"})
    server.ask("x")
    server.call("DELETE", "/api/rules/gone")
    text = "name: mine\nmatch: {user: other}\nreply: y"
    assert server.call("POST", "/api/rules/preview", text).json["requests"] == []


def test_preview_replaces_the_named_item(server: Steered) -> None:
    server.call("POST", "/api/rules", {"name": "mine", "match": {"user": "x"}, "reply": "y"})
    server.ask("x")
    text = "name: mine\nmatch: {user: other}\nreply: y"
    (request,) = server.call("POST", "/api/rules/preview?name=mine", text).json["requests"]
    assert (request["before"], request["after"]) == ("overlay:mine", None)


@pytest.mark.parametrize(
    "text", ["{name: r2, reply: New.}", "rules: [{reply: One.}, {reply: Two.}]"], ids=["name", "number"]
)
def test_preview_of_one_rule_has_the_errors_of_its_put(server: Steered, text: str) -> None:
    found = server.call("POST", "/api/rules/preview?name=r1", text).json["errors"]
    refused = server.call("PUT", "/api/rules/r1", text)
    assert (refused.status, refused.json["errors"]) == (422, found)


def test_preview_of_a_modifier_lists_its_requests(server: Steered) -> None:
    server.ask("hello")
    text = "match: {model: gpt-4o}\ndelay: 10ms"
    assert server.call("POST", "/api/rules/preview?session=s", text).json["requests"] == []
    (request,) = server.call("POST", "/api/rules/preview", text).json["requests"]
    assert (request["before"], request["after"]) == ("a.yaml:hello", "a.yaml:hello")
    assert request["modifiers"] == ["overlay:modifier-1"]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("match: {usr: x}\nreply: y", 1, 9, 'did you mean "user"'),
        ("name: x\nreplyy: y", 2, 1, 'did you mean "reply"'),
        ("name: x\nmatch: {user: x\nreply: y", 3, 6, "is not closed"),
        ("name: x\nreplaces: 'a.yaml:gone'\nreply: y", 0, 0, "no such rule"),
        ("", None, None, "expected rules"),
    ],
)
def test_preview_returns_errors_with_positions(
    server: Steered, text: str, line: int | None, column: int | None, message: str
) -> None:
    got = server.call("POST", "/api/rules/preview", text)
    assert got.status == 200
    (error, *_) = got.json["errors"]
    assert message in error["message"]
    if line:
        assert (error["line"], error["column"]) == (line, column)


def test_file_is_read_and_written(server: Steered) -> None:
    listed = server.call("GET", "/api/files").json
    assert (listed["folder"], listed["writable"]) == (str(server.folder), True)
    (file,) = listed["files"]
    found = server.call("GET", "/api/files/a.yaml").json
    assert (found["text"], found["digest"]) == (FILE, file["digest"])
    changed = FILE.replace("Hello you.", "Good day.")
    saved = server.call("PUT", f"/api/files/a.yaml?digest={file['digest']}", changed)
    assert saved.status == 200, saved.text
    assert saved.json["stale"] == []
    assert (server.folder / "a.yaml").read_text() == changed
    assert server.reply_text("hello") == "Good day."
    again = server.call("PUT", f"/api/files/a.yaml?digest={file['digest']}", FILE)
    assert (again.status, (server.folder / "a.yaml").read_text()) == (409, changed)
    assert "has changed since it was read" in again.json["detail"]
    assert "GET /api/files/a.yaml returns the digest" in again.json["detail"]


@pytest.mark.full
def test_new_file_in_a_folder_is_written_once(server: Steered) -> None:
    text = "rules:\n  - match: {user: new}\n    reply: New.\n"
    path = "/api/files/more%2Fnew.yaml"
    assert server.call("PUT", path, text).status == 200
    assert server.reply_text("new") == "New."
    again = server.call("PUT", path, text)
    assert (again.status, again.json["detail"]) == (
        409,
        "more/new.yaml exists already; nothing was written. GET /api/files/more%2Fnew.yaml returns the digest of "
        "its content: PUT it with ?digest=DIGEST to replace it.",
    )
    assert server.call("GET", path).json["text"] == text
    (server.folder / "more" / "new.yaml").unlink()
    gone = server.call("PUT", f"{path}?digest=abc", text)
    assert (gone.status, "PUT it without ?digest" in gone.json["detail"]) == (409, True)


def test_broken_text_is_not_written(server: Steered) -> None:
    digest = server.call("GET", "/api/files/a.yaml").json["digest"]
    refused = server.call("PUT", f"/api/files/a.yaml?digest={digest}", "rules:\n  - repyl: x\n")
    assert refused.status == 422
    assert refused.json["errors"][0]["line"] == 2
    assert (server.folder / "a.yaml").read_text() == FILE
    found = server.call("POST", "/api/files/a.yaml/check", "rules:\n  - repyl: x\n").json
    assert found["errors"] == refused.json["errors"]
    assert server.call("POST", "/api/files/a.yaml/check", FILE).json == {"errors": []}
    assert "begins with keys" in server.call("POST", "/api/files/a.yaml/check", "- x").text


@pytest.mark.parametrize(
    "name",
    ["../a.yaml", "..%2Fa.yaml", "%2Fetc%2Fpasswd", "%2Ftmp%2Fa.yaml", "x%2F..%2F..%2Fa.yaml", ".hidden.yaml",
     "notes.txt", "pack.yaml", "out.yaml", "..%5Ca.yaml", "below%2Fx.yaml"],
)  # fmt: skip
def test_file_outside_of_the_folder_is_refused(
    server: Steered, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text("rules: []\n")
    os.symlink(outside / "x.yaml", server.folder / "out.yaml")
    os.symlink(outside, server.folder / "below")
    for method, body in (("GET", None), ("PUT", "rules: []\n")):
        got = server.call(method, f"/api/files/{name}", body)
        assert got.status in (403, 404), got.text
    assert (outside / "x.yaml").read_text() == "rules: []\n"


def test_new_file_has_a_name_that_can_be_shown(server: Steered) -> None:
    refused = server.call("PUT", "/api/files/a.yaml%0Ab.yaml", "rules: []\n")
    assert (refused.status, refused.json["detail"]) == (
        403,
        r"'a.yaml\nb.yaml' is no name for a new file: it has characters that cannot be shown.",
    )
    assert server.call("PUT", "/api/files/%ff.yaml", "rules: []\n").status == 403
    assert not {"a.yaml\nb.yaml", "\ufffd.yaml"} & {*os.listdir(server.folder)}
    (server.folder / "old\n.yaml").write_text("rules: []\n")
    digest = server.call("GET", "/api/files/old%0A.yaml").json["digest"]
    assert server.call("PUT", f"/api/files/old%0A.yaml?digest={digest}", FILE).status == 200


@pytest.mark.full
def test_link_within_the_folder_stays_a_link(server: Steered) -> None:
    (server.folder / "real.yaml").write_text("rules: []\n")
    os.chmod(server.folder / "real.yaml", 0o600)
    os.symlink("real.yaml", server.folder / "link.yaml")
    digest = server.call("GET", "/api/files/link.yaml").json["digest"]
    text = "rules:\n  - reply: x\n"
    assert server.call("PUT", f"/api/files/link.yaml?digest={digest}", text).status == 200
    assert (server.folder / "link.yaml").is_symlink()
    assert (server.folder / "real.yaml").read_text() == text
    assert (server.folder / "real.yaml").stat().st_mode & 0o777 == 0o600


def test_server_without_edit_writes_no_file(server: Steered) -> None:
    control = server.app.control
    assert control is not None
    control.context.editor.writable = False  # type: ignore[attr-defined]
    digest = server.call("GET", "/api/files/a.yaml").json["digest"]
    refused = server.call("PUT", f"/api/files/a.yaml?digest={digest}", "rules: []\n")
    assert refused.status == 403
    assert "--edit" in refused.json["detail"]
