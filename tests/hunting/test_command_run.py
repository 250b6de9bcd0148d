"""One run of a command: its end, its output, its files, and what the server saw."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mockllm.core.hunting.disturbance import Disturbance
from mockllm.core.hunting.outcome import RunOutcome
from mockllm.hunting.command_run import CannotRun, CommandTrial
from mockllm.hunting.disturbed_server import ServerSources
from tests.waiting import PATIENCE, until

SOURCES = ServerSources(packs=("default",))
ASK = """
import json, os, sys, urllib.request
body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"content-type": "application/json", "x-stainless-read-timeout": "600"})
print(len(urllib.request.urlopen(request).read().split(b"data: ")))
print(os.environ["MOCKLLM_BASE_URL"], os.environ["MOCKLLM_RUN_DIR"])
"""


def ran(code: str, *schedule: Disturbance, timeout: float = PATIENCE, **more: Any) -> RunOutcome:
    trial = CommandTrial((sys.executable, "-c", code), SOURCES, timeout, **more)
    return trial.run(schedule)


def test_run_has_output_and_exchanges() -> None:
    outcome = ran(ASK, compare="stdout")
    assert outcome.code == 0
    (seen,) = outcome.exchanges
    assert (seen.provider, seen.api, seen.stream, seen.turn, seen.status) == ("openai", "chat", True, 1, 200)
    assert (seen.timeout, seen.path, seen.user) == (600.0, "/v1/chat/completions", "hi")
    assert seen.sent.count("data: ") > 3
    assert isinstance(seen.reply, dict)
    assert outcome.compared is not None
    assert b"http://HOST:PORT FOLDER" in outcome.compared
    assert outcome.compared == ran(ASK, compare="stdout").compared


def test_run_plays_the_schedule() -> None:
    cut = Disturbance("cut", {"faults": [{"close": {"after": {"chunks": 1}}}]}, times=1)
    outcome = ran(ASK, cut)
    assert outcome.code == 1
    assert "IncompleteRead" in outcome.stderr
    assert outcome.exchanges[0].faults == ("close",)
    assert "hunt-1" in outcome.exchanges[0].modifiers
    assert outcome.exchanges[0].reply is not None


def test_run_of_error_has_no_reply() -> None:
    outcome = ran(ASK, Disturbance("server_error", {"error": "server_error"}))
    assert (outcome.exchanges[0].status, outcome.exchanges[0].error) == (500, "server_error")
    assert outcome.exchanges[0].reply is None


def test_run_beyond_its_bound_is_ended(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    code = f"import time; print('begun', flush=True); open({str(begun)!r}, 'w'); time.sleep(600)"
    trial = CommandTrial((sys.executable, "-c", code), SOURCES, timeout=0.01)
    process = trial._start(os.environ)
    until(begun.exists)
    assert trial._end_of(process) == (None, b"begun\n", b"")


def test_run_with_children_ends_them() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    assert ran(code, timeout=1.0).code is None


def test_run_ended_by_a_signal_has_the_code_of_shells() -> None:
    assert ran("import os; os.kill(os.getpid(), 11)").code == 139


def test_run_compares_a_file_and_counts_side_effects() -> None:
    code = """
import os
folder = os.environ["MOCKLLM_RUN_DIR"]
open(folder + "/out", "w").write("result")
open(folder + "/done", "w").write("pay\\n\\n\\nship\\npay\\n")
"""
    outcome = ran(code, compare="$MOCKLLM_RUN_DIR/out", side_effects="$MOCKLLM_RUN_DIR/done")
    assert (outcome.compared, outcome.repeated) == (b"result", ("pay",))
    assert ran("", compare="$MOCKLLM_RUN_DIR/out").compared == b""


def test_run_removes_the_files_of_an_earlier_run(tmp_path: Path) -> None:
    path = tmp_path / "done"
    code = f"open({str(path)!r}, 'a').write('pay\\n')"
    for _ in range(2):
        assert ran(code, side_effects=str(path)).repeated == ()


@pytest.mark.parametrize(
    ("compare", "side_effects", "parallel"),
    [
        (None, None, True),
        ("stdout", "$MOCKLLM_RUN_DIR/x", True),
        ("out.txt", None, False),
        ("stdout", "x", False),
    ],
)
def test_runs_with_common_files_do_not_overlap(
    compare: str | None, side_effects: str | None, parallel: bool
) -> None:
    assert CommandTrial(("x",), SOURCES, 1.0, compare, side_effects).parallel is parallel


def test_run_of_missing_command_says_so() -> None:
    trial = CommandTrial(("/no/such/command",), SOURCES, 1.0)
    with pytest.raises(CannotRun, match="cannot run /no/such/command: No such file"):
        trial.run(())


def test_ended_trial_ends_its_commands(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    code = f"import pathlib, signal; pathlib.Path({str(begun)!r}).touch(); signal.pause()"
    trial = CommandTrial((sys.executable, "-c", code), SOURCES, PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(trial.run, ())
        until(begun.exists)
        trial.end()
        assert running.result().code == 128 + signal.SIGKILL
    assert trial.run(()).code == 128 + signal.SIGKILL, "one that begins later ends, too"
