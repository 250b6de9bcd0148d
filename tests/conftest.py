"""Options of the whole test run."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from mockllm.cli.startup import gc_paused_then_frozen
from tests.covering import redundant
from tests.examples import VARIABLE, examples
from tests.tools import require

pytest.register_assert_rewrite(
    "tests.dialects",
    "tests.faults",
    "tests.golden",
    "tests.language",
    "tests.wire_events",
)
"""Assertions in the files beside these tests tell what they compare, as those in tests do."""
HERE = Path(__file__).parent
LONG = (
    "test_wheel.py",
    "test_older_sdks.py",
    "test_plugin_sdk.py",
    "test_testing_page.py",
    "test_sessions_page.py",
    "test_js_sdks.py",
)
"""Files with tests that start others' programs and wait for them, for half a minute where the machine is busy."""
FULL = (
    "conformance/test_other_recordings.py",
    "dashboard/test_accessibility.py",
    "dashboard/test_climate_control.py",
    "dashboard/test_documentation_site.py",
    "dashboard/test_error_control.py",
    "dashboard/test_fault_control.py",
    "dashboard/test_keyboard_and_phone.py",
    "dashboard/test_limit_control.py",
    "dashboard/test_login.py",
    "dashboard/test_many_events.py",
    "dashboard/test_mistakes_of_a_busy_day.py",
    "dashboard/test_overlay_card.py",
    "dashboard/test_pace_control.py",
    "dashboard/test_request_workbench.py",
    "dashboard/test_rule_workbench.py",
    "dashboard/test_shortcuts.py",
    "dashboard/test_tool_servers_view.py",
    "deploy",
    "docs/test_site.py",
    "docs/test_testing_page.py",
    "js/mcp",
    "sdk/test_langchain.py",
    "sdk/test_langchain_bedrock_ollama.py",
    "sdk/test_mistral_sdk.py",
    "sdk/test_older_sdks.py",
    "sdk/test_openai_agents.py",
    "sdk/test_pydantic_ai.py",
    "sdk/test_realtime_agents.py",
    "server/traces/test_traces_collector.py",
    "server/workers/test_replicas.py",
    "server/workers/test_workers_other_store.py",
    "server/workers/test_workers_store.py",
)
"""Files and folders that belong to the tests marked `full`, as a whole: frameworks, whose import takes longer than
many tests; the dashboard beyond a look at its views; containers and charts; the built site; processes that share a
store. They run with `-m ""`, or where they are named."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files of `FULL`, as the option `-m "not full"` of pyproject.toml does with marked tests."""
    if config.getoption("markexpr") != "not full":
        return None
    return True if collection_path in {HERE / name for name in FULL} else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--transcripts",
        metavar="DIR",
        help="a folder of recordings of live providers to hold our answers against (tests/conformance)",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.needs("curl")`: skipped without it, or failed in CI."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            require(program)


def pytest_configure(config: pytest.Config) -> None:
    """Options as variables of the environment, which modules read that make cases, or choose how many."""
    if config.getoption("markexpr") != "not full":
        os.environ[VARIABLE] = "1"
    settings.register_profile(
        "any machine",
        deadline=None,  # an example may take long where others run beside it
        max_examples=examples(100),
        derandomize=bool(config.getoption("cov_source", default=None)),  # what is covered is no luck
    )
    settings.load_profile("any machine")
    folder = config.getoption("--transcripts")
    if folder is not None:
        os.environ["MOCKLLM_TRANSCRIPTS"] = str(Path(folder).absolute())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected, all tests and all that they import, stays to the end. To look through it for garbage takes a
    quarter of the time in which it is made, and longer than most tests where one of them starts it."""
    with gc_paused_then_frozen():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the default run can do without, before pytest selects by marks. The longest come first: of parallel
    workers one would go on with them when the others have nothing left."""
    for item in redundant(items):
        item.add_marker(pytest.mark.full)
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
