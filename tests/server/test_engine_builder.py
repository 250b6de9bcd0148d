"""Making engines: what stops the first one, what a later one takes over, and what is warned of."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from mockllm.scenario.loader import ScenarioSources
from mockllm.server.engine_builder import Broken, Builder
from mockllm.server.http_server import run_on_best_loop
from mockllm.state.engine_state import EngineState

GOOD = "rules:\n- {name: hi, match: {user: hi}, reply: Hi.}\n"
BAD = "rules:\n- {nmae: hi, reply: Hi.}\n"
HIDDEN = "rules:\n- {name: all, reply: Hi.}\n- {name: never, match: {user: x}, reply: Ho.}\n"


def builder(folder: Path, text: str, *, strict: bool = False) -> Builder:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return Builder(ScenarioSources([str(folder)]), EngineState(), strict=strict)


def test_first_engine_has_rules_of_files(tmp_path: Path) -> None:
    built = builder(tmp_path, GOOD)
    assert built.first().info().rules == 1
    assert built.warnings == ()
    assert tmp_path in built.watched


def test_invalid_file_stops_first_engine(tmp_path: Path) -> None:
    with pytest.raises(Broken) as broken:
        builder(tmp_path, BAD).first()
    assert [diagnostic.path for diagnostic in broken.value.diagnostics] == ["rules[0].nmae"]
    assert broken.value.mistakes == broken.value.diagnostics  # its older name, which is public
    assert 'unknown key; did you mean "name"?' in str(broken.value)


def test_warning_does_not_stop_first_engine(tmp_path: Path) -> None:
    built = builder(tmp_path, HIDDEN)
    assert built.first().info().rules == 2
    (warning,) = built.warnings
    assert f'{tmp_path / "a.yaml"}:3:3: rules[1]: can never respond: "all"' in warning


def test_warnings_are_found_later_on_request(tmp_path: Path) -> None:
    built = builder(tmp_path, HIDDEN)
    assert built.first(at_once=True).info().rules == 2
    assert built.warnings == ()
    (warning,) = asyncio.run(built.looked_over())
    assert f'{tmp_path / "a.yaml"}:3:3: rules[1]: can never respond: "all"' in warning
    assert asyncio.run(built.looked_over()) == ()


def test_if_strict_it_is_not_left_for_later(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        builder(tmp_path, HIDDEN, strict=True).first(at_once=True)


def test_if_strict_a_warning_does(tmp_path: Path) -> None:
    with pytest.raises(Broken) as broken:
        builder(tmp_path, HIDDEN, strict=True).first()
    assert [diagnostic.path for diagnostic in broken.value.diagnostics] == ["rules[1]"]


@pytest.mark.full
def test_rebuilt_engine_has_its_warnings(tmp_path: Path) -> None:
    built = builder(tmp_path, GOOD, strict=True)
    built.first()
    (tmp_path / "a.yaml").write_text(HIDDEN, encoding="utf-8")
    rebuilt = asyncio.run(built.again())
    assert rebuilt.engine.info().rules == 2
    assert len(rebuilt.warnings) == 1
    assert "can never respond" in rebuilt.warnings[0]
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    assert asyncio.run(built.again()).warnings == ()


def test_rebuild_with_broken_file_serves_last_version(tmp_path: Path) -> None:
    built = builder(tmp_path, GOOD)
    built.first()
    (tmp_path / "a.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text("rules:\n- {reply: B.}\n", encoding="utf-8")
    about = asyncio.run(built.again()).engine.info()
    assert about.rules == 2
    (stale,) = about.stale
    assert (stale.file, stale.in_use) == (str(tmp_path / "a.yaml"), True)
    assert "rules[0].nmae: unknown key" in stale.reason


def test_dying_loader_raises_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = builder(tmp_path, GOOD)
    built.first()
    monkeypatch.setattr("mockllm.server.engine_builder.CHILD", "raise SystemExit('no memory left')")
    with pytest.raises(RuntimeError, match="no memory left"):
        asyncio.run(built.again())


@pytest.mark.full
def test_rebuild_imports_no_modules_of_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = builder(tmp_path, GOOD)
    built.first()
    for name in ("json", "secrets", "pickle"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [each for each in sys.path if each])
    assert asyncio.run(built.again()).engine.info().rules == 1


@pytest.mark.parametrize("started", [False, True], ids=["as it starts", "as it reads"])
def test_cancelled_rebuild_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: bool
) -> None:
    built, requested, began = builder(tmp_path, GOOD), list[str](), list[asyncio.subprocess.Process]()
    built.first()
    start = asyncio.create_subprocess_exec

    async def noted(*line: Any, **more: Any) -> asyncio.subprocess.Process:
        requested.append("once")
        began.append(await start(*line, **more))
        return began[0]

    async def main() -> None:
        again = asyncio.create_task(built.again())
        while not (began if started else requested):  # noqa: ASYNC110
            await asyncio.sleep(0)
        again.cancel()
        with pytest.raises(asyncio.CancelledError):
            await again

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    run_on_best_loop(main())
    assert began[0].returncode is not None
