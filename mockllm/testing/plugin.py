"""The pytest plugin: fixtures `mockllm`, `mockllm_shared` and `mockllm_env`, and the marker `mockllm`.

Pytest loads this module in every run of a project that has mockllm installed. So the server is imported only when a
test uses it. The parts that do not depend on pytest are in `testing.mock_server`.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import os
import re
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from mockllm.testing.mock_base import MockBase
    from mockllm.testing.mock_server import MockLLM, MockSession
    from mockllm.testing.virtual_clock import VirtualTime

Created = TypeVar("Created")
MarkerKeywords: TypeAlias = dict[str, object]
"""Keywords of the marker with their values. pytest does not check their types: `MockLLM` and its sessions do."""

MARKER: Final = "mockllm"
WORDS: Final = (
    "scenarios",
    "packs",
    "pack",
    "params",
    "seed",
    "strict",
    "all_used",
    "verdicts",
    "time_scale",
    "miss_status",
    "hunt",
)
"""Keywords of the marker; `pack` is the same as `packs`."""
SERVER_WORDS: Final = ("miss_status", "hunt")
"""Keywords that only a server of a test's own may have."""
SERVERS: Final = pytest.StashKey[list[tuple[str, "MockBase"]]]()
"""The servers and sessions of a test with their URLs, for the checks and reports after it. A test may have stopped
its server."""

MODIFIERS: Final = pytest.StashKey[Sequence[Mapping[str, object]]]()
"""The modifiers of a hunt, which disturb the server of a test."""
MISTAKE: Final = pytest.StashKey[str | None]()
"""What is wrong with the settings of a test's hunt."""
CHECKED: Final = pytest.StashKey[bool]()
"""Whether a test has passed, its requests included: later ones are those of its fixtures."""
HUNT: Final = "mockllm.hunting.pytest_hunt"
"""The module that hunts a test, imported for a test with `hunt`."""

_numbers = itertools.count(1)


class SessionArguments(TypedDict, total=False):
    """The keywords that a session may have, too."""

    scenarios: Sequence[str]
    packs: Sequence[str]
    params: Mapping[str, object]
    seed: int
    time_scale: float


class ServerArguments(SessionArguments, total=False):
    """The keywords that a server has."""

    strict: bool
    all_used: bool
    miss_status: int


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "mockllm_scenarios", "scenario files and folders for the fixtures", type="paths", default=[]
    )
    parser.addini("mockllm_packs", "shipped packs for the fixtures, by name", type="args", default=[])
    parser.addini("mockllm_strict", "an unmatched request fails its test", type="bool", default=False)
    parser.addini("mockllm_all_used", "an unused rule fails its test", type="bool", default=False)
    parser.addini(
        "mockllm_time_scale", "factor on all times of scenarios, such as 0.01", type="string", default="1"
    )
    parser.addini("mockllm_verdicts", "a bad verdict on a client fails its test", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "mockllm(scenarios=…, packs=…, params=…, seed=0, strict=False, all_used=False, verdicts=False, "
        "time_scale=1, miss_status=404, hunt=False): scenarios of the fixture `mockllm`, whether unmatched requests "
        "(strict), unused rules (all_used) and bad verdicts on clients (verdicts) fail the test, the factor on all "
        "times of scenarios, the status of unmatched requests, and whether a hunt searches for what breaks the test",
    )


@pytest.fixture
def mockllm(request: pytest.FixtureRequest) -> Iterator[MockLLM]:
    """A mock server for one test, on a free port: `mockllm.reply("Hi")`, `mockllm.openai_url`."""
    from mockllm.testing.mock_server import MockLLM

    words = {**_defaults(request.config), **_words(request.node)}
    words.pop("verdicts", None)
    words.pop("hunt", None)
    for name in ("strict", "all_used"):
        words[name] = _wants(request.node, name)
    # pytest does not check the keywords' types, MockLLM does
    server = _create(lambda: MockLLM(**cast(ServerArguments, words))).start()
    for modifier in request.node.stash.get(MODIFIERS, ()):
        server.modifier(**modifier)
    _note(request.node, server)
    yield server
    server.stop()
    _check_teardown(request.node, server)


@pytest.fixture(scope="session")
def mockllm_server(request: pytest.FixtureRequest) -> Iterator[MockLLM]:
    """The one server behind `mockllm_shared`. Its rules apply in all tests."""
    from mockllm.testing.mock_server import MockLLM

    server = _create(lambda: MockLLM(**cast(ServerArguments, _defaults(request.config)))).start()
    yield server
    server.stop()


@pytest.fixture
def mockllm_shared(mockllm_server: MockLLM, request: pytest.FixtureRequest) -> Iterator[MockSession]:
    """A session for one test on a server that all tests share, with separate rules, counts and requests."""
    words = _words(request.node)
    if "mockllm" not in request.fixturenames:
        for name in filter(words.get, SERVER_WORDS):
            why = "has no effect on mockllm_shared, whose server all tests share"
            pytest.fail(f"{name} {why}: use mockllm", pytrace=False)
    own = {name: words[name] for name in SessionArguments.__annotations__ if name in words}
    session = _create(
        lambda: mockllm_server.session(_session_id(request.node), **cast(SessionArguments, own))
    )
    _note(request.node, session)
    yield session
    session.close()
    _check_teardown(request.node, session)


@pytest.fixture
def mockllm_env(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Set the variables by which SDKs find the server (`OPENAI_BASE_URL`, `ANTHROPIC_API_KEY` …) for the test. The
    server is `mockllm_shared` if the test uses it without `mockllm`, else `mockllm`."""
    names = request.fixturenames
    alone = "mockllm_shared" in names and "mockllm" not in names
    server: MockBase = request.getfixturevalue("mockllm_shared" if alone else "mockllm")
    environment = server.environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture
def mockllm_clock() -> Iterator[VirtualTime]:
    """Virtual time for this process, servers included: it jumps to the next deadline when every thread waits."""
    from mockllm.testing.loop_thread import virtual_time

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # policies end with Python 3.16
        policy = type(asyncio.get_event_loop_policy()).__module__
    if policy.startswith("uvloop"):
        pytest.fail(
            "mockllm_clock: the loops of uvloop have native timers; use asyncio's in this test", pytrace=False
        )
    with virtual_time() as clock:
        yield clock


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Hunt a test with `hunt=True`, or with the settings of a hunt."""
    settings = next(
        (mark.kwargs["hunt"] for mark in item.iter_markers(MARKER) if "hunt" in mark.kwargs), None
    )
    if not settings:
        return None
    hunt = importlib.import_module(HUNT)
    item.stash[MISTAKE] = hunt.mistake_in(settings)
    if item.stash[MISTAKE] is not None:
        return None
    hunt.hunt_item(item, nextitem, {} if settings is True else settings)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Clear the servers of an earlier run of the test: some plugins rerun failed tests. Fail a test that cannot be
    hunted with its settings."""
    item.stash[SERVERS] = []
    item.stash[CHECKED] = False
    if (mistake := item.stash.get(MISTAKE, None)) is not None:
        pytest.fail(mistake, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a passed test for unmatched requests, unused rules or bad verdicts, as its settings say."""
    yield
    strict, all_used = _wants(item, "strict"), _wants(item, "all_used")
    own = "scenarios" in _words(item)  # the files of all tests need not all be used in each
    problems = [
        line
        for _, server in item.stash.get(SERVERS, [])
        for line in server.complaints(unmatched=strict, unused=all_used, files=own)
    ]
    if _wants(item, "verdicts"):
        problems += [str(each) for _, server in item.stash.get(SERVERS, []) for each in server.verdicts.bad]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
    item.stash[CHECKED] = True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests to the report of a failed test, or of one with failed fixtures."""
    report = yield
    servers = item.stash.get(SERVERS, [])
    if not report.failed or not servers:
        return report
    from mockllm.testing.mock_base import MAX_SHOWN

    for url, server in servers:
        report.sections.append(
            (f"mockllm: requests to {url}", server.journal(last=MAX_SHOWN) or "no requests")
        )
        if warned := server.warnings:
            text = "\n".join(map(str, warned[:MAX_SHOWN]))
            report.sections.append(("mockllm: warnings about the scenario files", text))
        bad = server.verdicts.bad
        if bad:
            report.sections.append(("mockllm: bad verdicts on the client", str(bad)))
    return report


def _check_teardown(node: pytest.Item, server: MockBase) -> None:
    """Fail the teardown of a passed test for the unmatched requests of its fixtures, where the test is strict."""
    if node.stash.get(CHECKED, False) and _wants(node, "strict"):
        problems = server.complaints(unmatched=True, unused=False)
        if problems:
            pytest.fail("\n".join(problems), pytrace=False)


def _note(node: pytest.Item, server: MockBase) -> None:
    node.stash.setdefault(SERVERS, []).append((server.base_url, server))


def _defaults(config: pytest.Config) -> MarkerKeywords:
    """Return the settings of the ini file for all tests."""
    return {
        "scenarios": [str(path) for path in config.getini("mockllm_scenarios")],
        "packs": config.getini("mockllm_packs"),
        "time_scale": _number(config.getini("mockllm_time_scale")),
    }


def _number(text: str) -> object:
    """Return the number that a text is. The server refuses another text, and says what it expects."""
    try:
        return float(text)
    except ValueError:
        return text


def _words(node: pytest.Item) -> MarkerKeywords:
    """Return the keywords of the markers; the nearest marker has priority. Paths are resolved."""
    words: MarkerKeywords = {}
    for marker in node.iter_markers(MARKER):
        if marker.args:
            pytest.fail(f"the marker {MARKER} takes keywords only, as in packs=…", pytrace=False)
        for name, value in marker.kwargs.items():
            if name not in WORDS:
                from mockllm.scenario.diagnostics import suggestion

                hint = suggestion(name, WORDS)
                pytest.fail(f"the marker {MARKER} has no keyword {name!r}{hint}", pytrace=False)
            words.setdefault("packs" if name == "pack" else name, value)
    if "packs" in words and isinstance(words["packs"], str):
        words["packs"] = words["packs"].split(",")
    if "scenarios" in words:
        paths = words["scenarios"]
        words["scenarios"] = [
            _path(node, each) for each in (paths if isinstance(paths, list | tuple) else [paths])
        ]
    return words


def _path(node: pytest.Item, path: object) -> object:
    """Return a path relative to the test's file if it exists there, else to the root of the tests. The server refuses
    other objects."""
    if not isinstance(path, str | os.PathLike):
        return path
    beside = node.path.parent / path
    return str(beside if beside.exists() else node.config.rootpath / Path(path))


def _wants(node: pytest.Item, name: str) -> bool:
    """Return `strict`, `all_used` or `verdicts` of the marker, else of the ini file."""
    value = _words(node).get(name)
    if value is None:
        return bool(node.config.getini(f"mockllm_{name}"))
    if not isinstance(value, bool):
        pytest.fail(f"{name} is True or False, and not {value!r}", pytrace=False)
    return value


def _session_id(node: pytest.Item) -> str:
    """Return a session id with the test's name. It is unique, also for a test that runs twice."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", node.name).strip("-")
    return f"{name[:80]}-{next(_numbers)}"


def _create(make: Callable[[], Created]) -> Created:
    """Create an object. Report mistakes in scenario files and of the marker in a line each, without a traceback."""
    from mockllm.server.engine_builder import Broken

    try:
        return make()
    except (Broken, ValueError) as error:
        message = str(error)
    pytest.fail(message, pytrace=False)
