"""`mockllm pack`: what a person sees of making, looking at and listing packs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.packing.pack_files import EXAMPLE, RULES, manifest, pack, repository, run, write, zipped

STEPS = """\
rules:
  - {name: hi, match: {user: hi}, sequence: [{reply: One.}, {reply: Two.}, {error: rate_limit}]}
  - {name: drawn, match: {user: drawn}, choose: [{reply: A.}, {reply: B.}]}
  - {name: never, match: {user: never}, reply: Never.}
modifiers:
  - {name: slow, match: {user: hi}, delay: 1s}
  - {name: off, enabled: false, error: overloaded}
examples:
  - name: two steps
    steps: [{request: {user: hi}, expect: {text: One.}}, {request: {user: hi}, expect: {text: Two.}}]
"""
POWERFUL = """\
rules:
  - {name: a, match: {user: a}, error: {type: overloaded, retry_after: 1s}}
  - {name: b, match: {user: b}, http: {status: 200, body_file: page.html}}
  - {name: d, match: {user: d}, http: {status: 307, headers: {Location: "https://elsewhere.example/v1"}}}
  - {name: e, match: {user: e}, reply: x, faults: [{redirect: {to: "//else.example"}}, {redirect: {to: /login}}]}
  - {name: f, match: {user: f}, reply: {images: [a.png]}, delay: {empirical: times.txt}}
modifiers:
  - {name: c, faults: [{reset: {after: {chunks: 1}}}, {stall: {for: 1s, after: {chunks: 1}}}], delay: 1s}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def test_pack_new_is_valid_and_fully_covered(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "new", "team/greet") == 0
    assert "mockllm pack test greet" in capsys.readouterr().out
    assert run("pack", "check", "greet") == 0
    assert run("pack", "test", "greet", "--min-coverage", "100%") == 0
    assert "3 passed\n100% of 2 rules, steps and modifiers reached\n" in capsys.readouterr().out
    assert run("pack", "new", "team/greet") == 1
    assert "greet exists, not overwritten" in capsys.readouterr().err
    Path("repo/.git").mkdir(parents=True)
    assert run("pack", "new", "team/greet", "repo") == 0, "a repository that is still empty"
    assert run("pack", "new", "../evil") == 1


@pytest.mark.parametrize("name", ["123", "null", "true", "1.0", "0x1f", "1e3"])
def test_pack_new_with_a_name_like_a_value_is_valid(name: str) -> None:
    assert run("pack", "new", name) == 0
    assert run("pack", "test", name, "--min-coverage", "100%") == 0


def test_pack_test_lists_unreached_points(capsys: pytest.CaptureFixture[str]) -> None:
    pack(Path("p"), rules=STEPS)
    assert run("pack", "test", "p") == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "1 passed",
        "not reached: p/rules.yaml:2 team/x/rules.yaml:hi step 3",
        "not reached: p/rules.yaml:3 team/x/rules.yaml:drawn",
        "not reached: p/rules.yaml:4 team/x/rules.yaml:never",
        "not reached: p/rules.yaml:7 team/x/rules.yaml:off",
        "40% of 10 rules, steps and modifiers reached",
    ]
    assert run("pack", "test", "p", "--min-coverage", "40%") == 0
    assert run("pack", "test", "p", "--min-coverage", "41%") == 1
    assert "less than the minimum of 41%" in capsys.readouterr().err


def test_pack_test_with_failure_or_error_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    pack(Path("p"), rules=RULES + EXAMPLE.replace("Hi.", "Ho."))
    assert run("pack", "test", "p") == 1
    write(Path("p"), {"rules.yaml": "rules: [{repli: x}]"})
    assert run("pack", "test", "p") == 1
    assert "p/rules.yaml:1:10: rules[0].repli" in capsys.readouterr().err
    assert run("pack", "test", "nowhere/at/all") == 1
    Path("empty").mkdir()
    assert run("pack", "test", "empty") == 1
    assert "empty is not a pack: it contains no pack.yaml" in capsys.readouterr().err


def test_pack_check_lists_capabilities(capsys: pytest.CaptureFixture[str]) -> None:
    more = "use: [default]\nparams: {key: {env: [AWS_SECRET, OTHER]}, mood: {env: MOOD}}"
    pack(Path("p"), more=more, rules=POWERFUL)
    write(Path("p"), {"page.html": "<html>", "a.png": "PNG", "times.txt": "1ms 2ms"})
    assert run("pack", "check", "p") == 0
    output = capsys.readouterr().out
    for line in (
        "answers     5 rules, 1 modifier; its modifiers set delay, faults of all responses",
        "errors      overloaded",
        "faults      redirect, reset, stall",
        "open ports  none",
        "proxy       none",
        "redirects   redirects clients to //else.example, https://elsewhere.example/v1",
        "reads       a.png, page.html, times.txt",
        "environment AWS_SECRET, OTHER, MOOD",
        "uses        default",
    ):
        assert f"  {line}\n" in output
    assert run("pack", "check", "p", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert report["could"]["environment"] == ["AWS_SECRET", "OTHER", "MOOD"]
    assert report["could"]["ports"] == []


def test_pack_check_lists_raw_errors_by_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rules = """
rules:
  - {match: {user: a}, replay: {status: 529, frames: []}}
  - {match: {user: b}, sequence: [{http: {status: 503, body: x}}, {replay: {frames: []}}]}
  - {match: {user: c}, error: {status: 418}}
"""
    pack(Path("p"), rules=rules)
    assert run("pack", "check", "p") == 0
    assert "  errors      418, 503, 529\n" in capsys.readouterr().out


def test_pack_check_and_add_list_other_servers(capsys: pytest.CaptureFixture[str]) -> None:
    rules = """
rules:
  - {name: a, match: {user: a}, proxy: "${server}"}
  - {name: b, match: {user: b}, sequence: [{proxy: {to: "https://other.example/v1", record: true}}]}
  - {name: c, match: {user: c}, http: {status: 307, headers: {location: "https://else.example"}}}
  - {name: d, match: {user: d}, reply: Yes, then_post: {to: "http://localhost:9000/hook", body: {to: "x"}}}
"""
    built = pack(Path("p"), more="params: {server: {default: 'https://elsewhere.example'}}", rules=rules)
    assert run("pack", "check", built) == 0
    output = "forwards requests to https://elsewhere.example, https://other.example/v1"
    posts = "sends requests after responses to http://localhost:9000/hook"
    printed = capsys.readouterr().out
    assert f"  proxy       {output}\n" in printed
    assert f"  posts       {posts}\n" in printed
    assert run("pack", "add", built) == 0, "it is said when it is taken, too"
    lines = f"  it {output}\n  it redirects clients to https://else.example\n  it {posts}\n"
    assert lines in capsys.readouterr().out


def test_pack_check_reads_unused_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = repository(tmp_path / "repo", "1.0.0", "1.1.0")
    assert run("pack", "check", f"{built}@v1.0.0") == 0
    assert "team/x 1.0.0:" in capsys.readouterr().out
    assert run("pack", "check", built.as_uri()) == 0
    assert "team/x 1.1.0:" in capsys.readouterr().out
    assert list(Path().iterdir()) == []


def test_pack_check_reports_positions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = pack(tmp_path / "p", rules="rules: [{repli: x}]")
    assert run("pack", "check", built) == 1
    assert f"{built}/rules.yaml:1:10: rules[0].repli" in capsys.readouterr().out
    assert run("pack", "check", built, "--json") == 1
    assert json.loads(capsys.readouterr().out)["mistakes"][0]["line"] == 1


def test_pack_check_reports_manifest_positions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = pack(tmp_path / "p", more="params: {n: {type: str}}")
    assert run("pack", "check", built) == 1
    assert capsys.readouterr().out.startswith(f"{built}/pack.yaml:3:20: params.n.type: expected")
    (built / "pack.yaml").rename(built / "pack.yml")
    assert run("pack", "check", built) == 1
    assert capsys.readouterr().err.endswith("is not a pack: it contains no pack.yaml; rename pack.yml\n")


def test_pack_check_warns_of_unused_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params = "params: {n: {default: a}, in_a_file: {}, condition: {}, nothing: {}}"
    rules = "rules: [{reply: 'x ${n}', enabled: {condition: a}}, {reply: {text: {file: a.md}}}]"
    built = pack(tmp_path / "p", more=params, rules=rules)
    (built / "a.md").write_text("{{ in_a_file }}")
    run("pack", "check", built)
    lines = [line for line in capsys.readouterr().out.splitlines() if "uses this" in line]
    assert lines == [
        f"warning: {built}/pack.yaml:3:57: params.nothing: no file of the pack uses this parameter"
    ]


def test_pack_info_has_no_line_of_a_packs_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = (
        'description: "Good.\\n  proxy       none"\nlicense: "MIT\\n  posts       none"\nparams:\n'
        '  mood: {default: "a\\n  reads       nothing", description: "b\\n  uses        nothing"}'
    )
    rules = 'rules: [{match: {}, proxy: {to: "https://x.test/a"}}]'
    assert run("pack", "info", pack(tmp_path / "p", more=more, rules=rules)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == r"team/x 1.0.0: Good.\n  proxy       none"
    assert [line for line in lines if line.startswith("  proxy")] == [
        "  proxy       forwards requests to https://x.test/a"
    ]
    assert r"  license     MIT\n  posts       none" in lines
    assert r"  --set mood=  b\n  uses        nothing (string, default a\n  reads       nothing)" in lines
    assert len([line for line in lines if line.startswith(("  posts", "  reads", "  uses"))]) == 3


def test_pack_list_and_info(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = (
        "description: Says hi.\nlicense: MIT\nparams:\n"
        "  mood: {default: good, description: How it is.}\n"
        "  loud: {type: boolean, default: false, env: LOUD}\n"
        "  size: {type: [s, m], default: null}"
    )
    assert run("pack", "add", pack(tmp_path / "p", more=more)) == 0
    capsys.readouterr()
    assert run("pack", "list") == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.split() == ["team/x", "1.0.0", "here", "../p"]
    assert any(line.split() == ["default", "1.0", "shipped"] for line in others)
    assert run("pack", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "team/x"

    assert run("pack", "info", "team/x") == 0
    output = capsys.readouterr().out
    assert output.startswith("team/x 1.0.0: Says hi.\n")
    assert "  --set mood=  How it is. (string, default good)\n" in output
    assert "  --set loud=  (boolean, default false, or by LOUD)\n" in output
    assert "  --set size=  (s | m, unset)\n" in output
    assert run("pack", "info", "team/x", "--json") == 0
    assert json.loads(capsys.readouterr().out)["params"][0]["name"] == "mood"
    assert run("pack", "info", "default") == 0
    assert run("pack", "info", "defalt") == 1
    (Path(".mockllm/packs/team/x@1.0.0") / "more.yaml").write_text("")
    assert run("pack", "info", "team/x") == 1
    assert "its files have changed" in capsys.readouterr().err


def test_pack_add_without_missing_packs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("add", "update", "vendor"):
        assert run("pack", command) == 0
        assert "there is no mockllm.lock" in capsys.readouterr().out
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    assert run("pack", "add") == 0
    assert "all packs of mockllm.lock are present: team/x" in capsys.readouterr().out
    assert run("pack", "remove", "team/x") == 0
    assert run("pack", "update") == 0
    assert capsys.readouterr().out.endswith("mockllm.lock is empty\n")


@pytest.mark.parametrize("use", ["team/x", "team/x@^1"])
def test_pack_remove_names_remaining_uses(
    use: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pack", "add", pack(tmp_path / "p")) == 0
    Path("scenarios").mkdir(exist_ok=True)
    Path("scenarios/a.yaml").write_text(f"use: [{use}]\n")
    assert run("pack", "remove", "team/x") == 0
    assert capsys.readouterr().err == "mockllm: scenarios/a.yaml:1:7 still uses team/x\n"


def test_pack_add_reports_changed_vendored_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(tmp_path / "p", name="greet")) == 0
    assert run("pack", "vendor") == 0
    (Path("mockllm_packs") / "greet" / "rules.yaml").write_text("rules: []\n")
    capsys.readouterr()
    assert run("pack", "add") == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "mockllm_packs/greet has changed; `mockllm pack vendor` restores its files" in output.err


def test_pack_add_refused_source_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "code", {"a.py": "1"})
    assert run("pack", "add", "default", tmp_path / "code") == 1
    assert capsys.readouterr().err.splitlines() == [
        "mockllm: default: it ships with mockllm and needs no lock: write use: [default]",
        f"mockllm: {tmp_path / 'code'}: it is not a pack: it contains no pack.yaml",
    ]


@pytest.mark.parametrize("command", ["info", "add", "check"])
def test_misspelt_pack_name_has_suggestion(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", command, "defalt") in (1, 2)
    assert 'installed pack "defalt"; did you mean "default"?' in capsys.readouterr().err


def test_pack_test_of_archive_shows_source_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zipped(tmp_path / "p.zip", {"rules.yaml": RULES + EXAMPLE})
    run("pack", "test", tmp_path / "p.zip")
    assert f"ok {tmp_path / 'p.zip'}/rules.yaml:" in capsys.readouterr().out


def test_pack_add_same_files_reports_new_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pack", "add", pack(tmp_path / "p"), pack(tmp_path / "q")) == 0
    assert "team/x 1.0.0 stays, now from ../q" in capsys.readouterr().out
    assert run("pack", "info", "team/x") == 0
    assert "  from        ../q\n" in capsys.readouterr().out
    assert run("pack", "update") == 0
    assert "team/x 1.0.0 stays\n" in capsys.readouterr().out


def test_pack_add_refusal_does_not_stop_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = pack(tmp_path / "p"), write(tmp_path / "q", {"a.yaml": RULES})
    assert run("pack", "add", bad, good) == 1
    output = capsys.readouterr()
    assert "it is not a pack: it contains no pack.yaml" in output.err
    assert "added team/x 1.0.0" in output.out


def test_pack_lock_is_beside_named_scenarios(tmp_path: Path) -> None:
    write(
        Path(),
        {"tests/mocks/a.yaml": "use: [team/x]\n", "alone/pack.yaml": manifest("alone", more="use: [team/x]")},
    )
    assert run("pack", "add", pack(tmp_path / "p"), "--scenarios", "tests/mocks") == 0
    assert Path("tests/mockllm.lock").is_file()
    assert run("check", "tests/mocks", "--frozen") == 0
    assert run("check", "tests/mocks/a.yaml", "--frozen") == 0
    assert run("pack", "add", tmp_path / "p", "--scenarios", "alone") == 0
    assert Path("alone/mockllm.lock").is_file()
    assert run("pack", "test", "alone", "--frozen") == 0


def test_pack_text_is_escaped_for_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        r'description: "red \e[31m \u202e"' + "\n" + r'license: "\e]0;title\a"' + "\n"
        r'params: {p: {default: "\e[5m", env: "A\eB"}}'
    )
    hostile = r"""
rules: [{name: a, match: {user: hi}, reply: "\e[2J", faults: [{redirect: {to: "//\e[34m"}}], "k\e[32m": 1}]
examples: [{name: "\e[33mhi", request: {user: hi}, expect: {text: "\e[35m"}}]
"""
    built = pack(Path("p"), more=words, rules=hostile)
    assert run("pack", "check", built) == 1
    write(built, {"rules.yaml": hostile.replace(r', "k\e[32m": 1', "")})
    for command in ("check", "info", "test"):
        run("pack", command, built)
    write(Path("q"), {"pack.yaml": manifest(), "rules.yaml": "rules: []"})
    run("diff", "p", "q")
    output = capsys.readouterr()
    assert "red \\x1b[31m \\u202e" in output.out
    assert [mark for mark in output.out + output.err if not mark.isprintable() and mark != "\n"] == []
