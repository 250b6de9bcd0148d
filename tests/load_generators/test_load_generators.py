"""Unmodified load generators against the pack `vllm`: they report the times of the scenario, and `mockllm
fit` finds these in their results.

`scripts/setup load-generators` installs them into .venv/load-generators. GuideLLM needs PyTorch, 6 GB in all:
`scripts/setup all` leaves them out. The times are long, so that a busy machine delays them by little; a run that was
disturbed all the same is repeated.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mockllm.core.load_fit.benchmark_run import BenchmarkRun
from mockllm.core.load_fit.fitting import fit_batch
from mockllm.core.load_fit.result_files import read_result
from tests.process import serving

ENVIRONMENT = Path(__file__).parents[2] / ".venv" / "load-generators" / "bin"
TTFT, ITL = 5.0, 0.5
OUTPUT = 9
REQUESTS = 3
TRIES = 3
PATIENCE = 300
"""Seconds for one run: 27 for its requests; an import of PyTorch on a busy machine may take more."""
SCENARIO = f"""
use: [vllm]
modifiers:
  - name: server
    load: {{batch: {{slots: 8, prefill: {{base: {TTFT:g}s}}, itl: {{1: {ITL:g}s, 8: 1s}}}}}}
"""

pytestmark = [pytest.mark.full, pytest.mark.timeout(TRIES * PATIENCE + 120)]


def run(program: str, *arguments: str, cwd: Path) -> None:
    """Run a program of the environment to its end, without what steers it from outside."""
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    quiet = {"HOME": str(cwd), "HF_HUB_DISABLE_TELEMETRY": "1", "NO_COLOR": "1"}
    line = [str(ENVIRONMENT / program), *arguments]
    done = subprocess.run(
        line, cwd=cwd, env=inherited | quiet, capture_output=True, encoding="utf-8", timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def guidellm(url: str, tokenizer: Path, folder: Path) -> bytes:
    result = folder / "guidellm.json"
    run(
        "guidellm", "run",
        "--backend", f"kind=openai_http,target={url}",
        "--profile", "kind=synchronous",
        "--constraint", f"kind=max_requests,count={REQUESTS}",
        "--tokenizer", f"kind=hf_auto,model={tokenizer}",
        "--data", f"kind=synthetic_text,prompt_tokens=32,output_tokens={OUTPUT}",
        "--output", f"kind=json,path={result}",
        cwd=folder,
    )  # fmt: skip
    return result.read_bytes()


def aiperf(url: str, tokenizer: Path, folder: Path) -> bytes:
    run(
        "aiperf", "profile",
        "--model", "m", "--url", url, "--endpoint-type", "chat", "--streaming",
        "--tokenizer", str(tokenizer), "--use-server-token-count",
        "--concurrency", "1", "--request-count", str(REQUESTS),
        "--isl", "32", "--osl", str(OUTPUT), "--extra-inputs", "ignore_eos:true",
        "--artifact-dir", str(folder / "aiperf"), "--ui", "none",
        cwd=folder,
    )  # fmt: skip
    return (folder / "aiperf" / "profile_export_aiperf.json").read_bytes()


@pytest.mark.parametrize("tool", [guidellm, aiperf], ids=lambda tool: tool.__name__)
def test_load_generator_reports_times_of_scenario(
    tool: Callable[[str, Path, Path], bytes], tmp_path: Path
) -> None:
    if not (ENVIRONMENT / tool.__name__).exists():
        pytest.skip(f"{tool.__name__} is not installed: scripts/setup load-generators does that (6 GB)")
    tokenizer = tmp_path / "tokenizer"
    run("python", str(Path(__file__).with_name("make_tokenizer.py")), str(tokenizer), cwd=tmp_path)
    (tmp_path / "slow.yaml").write_text(SCENARIO)
    with serving("--scenarios", "slow.yaml", "--quiet", cwd=tmp_path) as server:
        for last in (False,) * (TRIES - 1) + (True,):
            (result,) = read_result(tool(server.url, tokenizer, tmp_path))
            found = fit_batch([result]).batch
            expected = pytest.approx((TTFT, ITL), rel=0.05)
            if (found.base, found.itl[0][1]) == expected:
                break
            assert not last, f"{found} of {reported(result)}"
    assert result.completed == REQUESTS
    assert found.itl[0][0] == 1


def reported(run: BenchmarkRun) -> str:
    return ", ".join(f"ttft {request.ttft:.3f} itl {request.itl}" for request in run.requests)
