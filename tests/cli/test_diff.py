"""`mockllm diff`: the requests to which two versions of scenarios respond differently, and the differences."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from mockllm.cli import diff, progress_bar
from mockllm.packing.fetch import files_of
from mockllm.packing.git import FETCH_WATCH
from mockllm.packing.pack_source import parse_pack_source
from tests.cli.terminal import REMOVED, Terminal
from tests.packing.pack_files import git, pack, repository, run, tagged, write
from tests.waiting import PATIENCE

BASE = "rules: [{name: hi, match: {user: hi}, reply: Hi.}, {name: all, reply: Yes.}]\n"
HI = "examples: [{name: a greeting, request: {user: hi}, expect: {}}]\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def difference(
    old: str, new: str, examples: str = HI, capsys: pytest.CaptureFixture[str] | None = None
) -> int:
    write(Path(), {"old/a.yaml": old + examples, "new/a.yaml": new})
    return run("diff", "old", "new")


def test_version_of_a_folder_without_git_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    pack(Path("greet"))
    assert run("diff", "greet@v0.1.0", "greet") == 2
    assert capsys.readouterr().err == (
        'mockllm: "greet" is in no git repository, so it has no version "v0.1.0"; leave out @v0.1.0\n'
    )


CHANGES = [
    ("the text", "rules: [{match: {user: hi}, reply: Ho.}]", 'text: "Hi." -> "Ho."'),
    ("an error", "rules: [{match: {user: hi}, error: overloaded}]", "status: 200 -> 503"),
    ("the rule is gone", "rules: [{match: {user: ho}, reply: Hi.}]", "status: 200 -> 404"),
    ("a header", "rules: [{match: {user: hi}, reply: Hi., headers: {x-a: b}}]", 'headers.x-a: none -> "b"\n'),
    ("the time", "rules: [{match: {user: hi}, reply: Hi., delay: 2s}]", "took: 0s -> 2s"),
    (
        "the usage",
        "rules: [{match: {user: hi}, reply: {text: Hi., usage: {input_tokens: 77}}}]",
        "usage.input_tokens: 8 -> 77\n",
    ),
    ("a call", "rules: [{match: {user: hi}, reply: {tool_calls: [{name: f}]}}]", "tool_calls: none -> "),
    (
        "why it ended",
        "rules: [{match: {user: hi}, reply: {text: Hi., finish_reason: length}}]",
        "finish_reason: ",
    ),
    (
        "a fault",
        "rules: [{match: {user: hi}, reply: Hi., faults: [{reset: {after: {bytes: 1}}}]}]",
        'faults: none -> ["reset"]',
    ),
]


@pytest.mark.parametrize(
    ("new", "expected"), [change[1:] for change in CHANGES], ids=[change[0] for change in CHANGES]
)
def test_diff_lists_visible_differences(new: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert difference(BASE, new) == 1
    output = capsys.readouterr().out
    assert f"a greeting: {expected}" in output
    assert output.endswith("1 compared: 1 with different responses\n")


def test_diff_long_texts_show_first_difference(capsys: pytest.CaptureFixture[str]) -> None:
    old = BASE.replace("Hi.", "a" * 200 + " one.")
    assert difference(old, old.replace("one.", "two.")) == 1
    alike = "…" + "a" * 19
    assert capsys.readouterr().out.startswith(f'a greeting: text: "{alike} one." -> "{alike} two."\n')
    assert difference(old, old.replace(" one.", "")) == 1


def test_diff_lists_differences_of_bodies(capsys: pytest.CaptureFixture[str]) -> None:
    old = "rules: [{match: {path: /page}, http: {status: 200, body: {a: 1, b: [2, 3]}}}]\n"
    examples = "examples: [{name: page, request: {method: GET, path: /page}}]\n"
    assert difference(old, old.replace("3", "4"), examples) == 1
    assert 'page: body: "{"a":1,"b":[2,3]}" -> "{"a":1,"b":[2,4]}"' in capsys.readouterr().out
    assert difference(old, old.replace("b:", "id:"), examples) == 1


SAME = {
    "nothing": BASE,
    "the rule's name": BASE.replace("name: hi", "name: other"),
    "another place": "# a comment\n\n" + BASE.replace("name: hi, ", ""),
    "what nobody asks": BASE.replace("Yes.", "No."),
    "the rule's form": "rules: [{name: hi, match: {user: {equals: hi}}, reply: {text: Hi.}}]\n",
}


@pytest.mark.parametrize("new", SAME.values(), ids=list(SAME))
def test_diff_of_equal_responses_is_empty(new: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert difference(BASE, new) == 0
    assert capsys.readouterr().out == "1 compared: all responses equal\n"


def test_diff_runs_equal_examples_once(capsys: pytest.CaptureFixture[str]) -> None:
    other = (
        "examples: [{name: again, request: {user: hi}}, {name: new, request: {user: ho}, expect: {text: x}}]"
    )
    assert difference(BASE, BASE.replace("Yes.", "No.") + other) == 1
    assert capsys.readouterr().out == 'new: text: "Yes." -> "No."\n2 compared: 1 with different responses\n'


def test_diff_runs_steps_for_each_provider(capsys: pytest.CaptureFixture[str]) -> None:
    old = "rules: [{sequence: [{reply: A.}, {reply: B.}]}]\n"
    step = "{request: {user: hi, provider: [openai, anthropic]}}"
    examples = f"examples: [{{name: two, steps: [{step}, {step}]}}]\n"
    assert difference(old, old.replace("B.", "C."), examples) == 1
    assert capsys.readouterr().out.splitlines()[:2] == [
        'two (openai): step 2: text: "B." -> "C."',
        'two (anthropic): step 2: text: "B." -> "C."',
    ]


def test_diff_reports_parameters_of_one_side(capsys: pytest.CaptureFixture[str]) -> None:
    example = "examples: [{name: loud, with: {mood: loud}, request: {user: hi}}]\n"
    pack(Path("old"), more="params: {mood: {default: calm}}", rules=BASE + example)
    pack(Path("new"), rules=BASE)
    assert run("diff", "old", "new") == 1
    assert "loud: parameters: loads -> with mood: no pack in use has a parameter" in capsys.readouterr().out
    assert run("diff", "old", "old") == 0


def test_ctrl_c_removes_what_a_comparison_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stderr", out)
    monkeypatch.setattr(os, "_exit", lambda code: pytest.fail("the line stays"))
    monkeypatch.setattr(progress_bar, "DELAY", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")

    def interrupted(old: object, new: object) -> None:
        assert out.written.wait(PATIENCE)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(diff, "ScenarioPair", interrupted)
    write(Path(), {"old/a.yaml": BASE, "new/a.yaml": BASE})
    assert run("diff", "old", "new") == 130
    assert out.getvalue().endswith(REMOVED)


def test_fetch_reports_its_end() -> None:
    repository(Path("repo").absolute(), "1.0.0")
    numbers: list[tuple[int, int | None, str]] = []
    token = FETCH_WATCH.set(lambda *each: numbers.append(each))
    try:
        files_of(parse_pack_source("repo@v1.0.0", Path.cwd()), Path.cwd())
    finally:
        FETCH_WATCH.reset(token)
    assert numbers[-1] == (0, None, "")


def test_diff_compares_versions_in_repository(capsys: pytest.CaptureFixture[str]) -> None:
    built = repository(Path("repo").absolute(), "1.0.0", "1.1.0")
    write(built, {"more.yaml": HI})
    tagged(built, "now")
    assert run("diff", "repo@v1.0.0", "repo") == 1
    assert 'a greeting: text: "Hi from 1.0.0." -> "Hi from 1.1.0."' in capsys.readouterr().out
    assert run("diff", "repo@now", "repo@v1.1.0") == 0
    write(built, {"mocks/a.yaml": BASE + HI})
    git(built, "add", "--all")
    git(built, "commit", "--quiet", "-m", "x")
    git(built, "tag", "mocks")
    write(built, {"mocks/a.yaml": (BASE + HI).replace("Hi.", "Ho.")})
    capsys.readouterr()
    assert run("diff", "repo/mocks@mocks", "repo/mocks") == 1, "also a folder that is no pack"
    assert 'text: "Hi." -> "Ho."' in capsys.readouterr().out


def test_diff_runs_requests_from_files(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path(), {"old/a.yaml": BASE, "new/a.yaml": BASE.replace("Yes.", "No.")})
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What?"}]}
    write(Path(), {"requests/one.json": json.dumps(request), "requests/two.json": '{"user": "hi"}'})
    assert run("diff", "old", "new", "--requests", "requests") == 1
    assert capsys.readouterr().out.splitlines() == [
        'requests/one.json: text: "Yes." -> "No."',
        "2 compared: 1 with different responses",
    ]
    assert run("diff", "old", "new", "--requests", "requests/two.json", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"requests": 1, "otherwise": 0, "differences": []}
    assert run("diff", "old", "new", "--requests", "none.json") == 2


def test_diff_that_compares_nothing_does_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path(), {"old/a.yaml": BASE, "new/a.yaml": BASE})
    assert run("diff", "old", "new") == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "mockllm: nothing was compared: there is no example, and no --requests\n"
    assert run("diff", "old", "new", "--json") == 2
    output = capsys.readouterr()
    assert json.loads(output.out) == {"requests": 0, "otherwise": 0, "differences": []}
    assert "nothing was compared" in output.err


def test_diff_runs_recorded_requests(capsys: pytest.CaptureFixture[str]) -> None:
    """A recording holds its request as an example, and may be compared with anything."""
    write(Path(), {"old/a.yaml": BASE, "new/a.yaml": BASE.replace("Yes.", "No.")})
    body = '{"model": "gpt-4o", "messages": [{"role": "user", "content": "What?"}]}'
    request = f"{{method: POST, path: /v1/chat/completions, body: {body}}}"
    replay = f"rules: [{{name: r, match: {{hash: {'a' * 64}}}, replay: {{frames: ['{{}}']}}}}]\n"
    write(
        Path(),
        {"rec/shared/chat-1.yaml": f"{replay}examples: [{{request: {request}, expect: {{rule: r}}}}]\n"},
    )
    for folder, name in (("rec", "shared/chat-1.yaml"), ("rec/shared/chat-1.yaml", "chat-1.yaml")):
        assert run("diff", "old", "new", "--requests", folder) == 1
        assert capsys.readouterr().out.splitlines() == [
            f'{name} examples[0]: text: "Yes." -> "No."',
            "1 compared: 1 with different responses",
        ]
    assert run("diff", "rec", "new") == 1, "also as a side of their own"
    write(Path(), {"empty/readme.txt": "", "bad/a.yaml": "examples: [{reqest: {}}]\n"})
    capsys.readouterr()
    assert run("diff", "old", "new", "--requests", "empty") == 2
    assert "there is no request in empty: no JSON file, and no scenario file" in capsys.readouterr().err
    assert run("diff", "old", "new", "--requests", "bad") == 2
    assert "bad/a.yaml:1:13: examples[0].reqest" in capsys.readouterr().err


def test_diff_recordings_with_same_name_show_folder(capsys: pytest.CaptureFixture[str]) -> None:
    write(Path(), {"old/a.yaml": BASE, "new/a.yaml": BASE.replace("Yes.", "No.")})
    for folder in ("one", "two"):
        body = f'{{"model": "gpt-4o", "messages": [{{"role": "user", "content": "{folder}"}}]}}'
        request = f"{{method: POST, path: /v1/chat/completions, body: {body}}}"
        example = f"examples: [{{request: {request}, expect: {{}}}}]\n"
        write(Path(), {f"rec/{folder}/chat-1.yaml": example})
    assert run("diff", "old", "new", "--requests", "rec") == 1
    assert capsys.readouterr().out.splitlines() == [
        'one/chat-1.yaml examples[0]: text: "Yes." -> "No."',
        'two/chat-1.yaml examples[0]: text: "Yes." -> "No."',
        "2 compared: 2 with different responses",
    ]


def test_diff_examples_with_same_name_count_separately(capsys: pytest.CaptureFixture[str]) -> None:
    examples = "examples:\n" + "".join(
        f"  - {{name: same, request: {{user: {user}}}, expect: {{}}}}\n" for user in ("one", "two")
    )
    write(Path(), {"old/a.yaml": BASE + examples, "new/a.yaml": BASE.replace("Yes.", "No.") + examples})
    assert run("diff", "old", "new") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 compared: 2 with different responses"


def test_near_misses_of_unmatched_requests_are_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """They name the files of each version."""
    rule = "rules: [{match: {user: ho}, reply: Hi.}]\n"
    assert difference(rule, rule + "# a comment\n") == 0
    assert capsys.readouterr().out == "1 compared: all responses equal\n"


def test_diff_compares_packs_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(Path("p"), rules=BASE + HI)) == 0
    assert run("diff", "team/x", "p") == 0
    write(Path("p"), {"rules.yaml": BASE.replace("Hi.", "Ho.")})
    assert run("diff", "team/x", "p") == 1
    assert run("diff", "team/y", "p") == 2
    assert run("diff", "default", "default", "--json") == 0


def test_diff_reports_mistakes_of_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert difference("rules: [{repli: x}]\n", BASE, "") == 2
    assert "old/a.yaml:1:10: rules[0].repli" in capsys.readouterr().err
    assert run("diff", "old", "new", "--json") == 2
    assert json.loads(capsys.readouterr().out)["mistakes"][0]["file"] == "old/a.yaml"


def test_long_comparison_shows_its_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_bar, "PIPE_INTERVAL", 0.0)
    requests = {f"requests/{number}.json": '{"user": "hi"}' for number in range(4)}
    write(Path(), {"old/a.yaml": BASE, "new/a.yaml": BASE, **requests})
    assert run("diff", "old", "new", "--requests", "requests") == 0
    output = capsys.readouterr()
    assert output.out == "4 compared: all responses equal\n"
    assert output.err.startswith("reads the requests\n1 request\n")
    assert "\nloads both versions\n" in output.err
    assert "\n2/4 requests" in output.err
