"""The pytest plugin: fixtures `mockllm`, `mockllm_shared` and `mockllm_env`, and the marker `mockllm`.

Loaded in every run of a project that has mockllm installed, so nothing of the server is imported before a test
asks for it. What tests share beyond pytest's words is in `testing.library`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

if TYPE_CHECKING:
    from mockllm.testing.mock_base import MockBase
    from mockllm.testing.mock_server import MockLLM, MockSession

Made = TypeVar("Made")

MARKER: Final = "mockllm"
WORDS: Final = ("scenarios", "packs", "pack", "params", "seed", "strict", "all_used", "verdicts")
"""What the marker takes; `pack` is another word for `packs`."""
SERVERS: Final = pytest.StashKey[list[tuple[str, "MockBase"]]]()
"""The servers and sessions of a test, each with its URL, for what is told and checked behind it: a test may have
stopped its server."""

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "mockllm_scenarios", "scenario files and folders for the fixtures", type="paths", default=[]
    )
    parser.addini("mockllm_packs", "shipped packs for the fixtures, by name", type="args", default=[])
    parser.addini(
        "mockllm_strict", "a request that no rule answers fails its test", type="bool", default=False
    )
    parser.addini("mockllm_all_used", "a rule that never answers fails its test", type="bool", default=False)
    parser.addini("mockllm_verdicts", "a bad verdict on a client fails its test", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "mockllm(scenarios=…, packs=…, params=…, seed=0, strict=False, all_used=False, verdicts=False): what the "
        "fixture `mockllm` serves, and whether unmatched requests (strict), unused rules (all_used) and bad verdicts "
        "on clients (verdicts) fail the test",
    )


# --- fixtures --------------------------------------------------------------------------------------


@pytest.fixture
def mockllm(request: pytest.FixtureRequest) -> Iterator[MockLLM]:
    """A mock server of the test's own, on a free port: `mockllm.reply("Hi")`, `mockllm.openai_url`."""
    from mockllm.testing.mock_server import MockLLM

    words = {**_defaults(request.config), **_words(request.node)}
    words.pop("verdicts", None)
    for name in ("strict", "all_used"):
        words[name] = _wants(request.node, name)
    server = _made(lambda: MockLLM(**words)).start()
    _note(request.node, server)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mockllm_server(request: pytest.FixtureRequest) -> Iterator[MockLLM]:
    """The one server behind `mockllm_shared`; what is given to it stands for all tests."""
    from mockllm.testing.mock_server import MockLLM

    server = _made(lambda: MockLLM(**_defaults(request.config))).start()
    yield server
    server.stop()


@pytest.fixture
def mockllm_shared(mockllm_server: MockLLM, request: pytest.FixtureRequest) -> Iterator[MockSession]:
    """A session of the test's own on a server that all tests share: its own rules, counts and requests."""
    words = _words(request.node)
    given = {name: words[name] for name in ("scenarios", "packs", "params", "seed") if name in words}
    session = _made(lambda: mockllm_server.session(_session_id(request.node), **given))
    _note(request.node, session)
    yield session
    session.close()


@pytest.fixture
def mockllm_env(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Sets the variables by which SDKs find the server (`OPENAI_BASE_URL`, `ANTHROPIC_API_KEY` …) for the test:
    that of `mockllm_shared` where the test asks for it alone, else of `mockllm`."""
    names = request.fixturenames
    alone = "mockllm_shared" in names and "mockllm" not in names
    server: MockBase = request.getfixturevalue("mockllm_shared" if alone else "mockllm")
    environment = server.environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


# --- what is checked and told behind a test --------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What was noted belongs to this run of the test: some plugins run one that failed again."""
    item.stash[SERVERS] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that has passed fails where its server was used otherwise than it allows."""
    yield
    strict, all_used = _wants(item, "strict"), _wants(item, "all_used")
    own = "scenarios" in _words(item)  # the files of all tests need not all be used in each
    told = [
        line
        for _, server in item.stash.get(SERVERS, [])
        for line in server.complaints(unmatched=strict, unused=all_used, files=own)
    ]
    if _wants(item, "verdicts"):
        told += [str(each) for _, server in item.stash.get(SERVERS, []) for each in server.verdicts.bad]
    if told:
        pytest.fail("\n".join(told), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test, or one whose fixtures fail, shows what its own server was asked."""
    report = yield
    for url, server in item.stash.get(SERVERS, []) if report.failed else ():
        report.sections.append((f"mockllm: requests to {url}", server.journal() or "no request came"))
        bad = server.verdicts.bad
        if bad:
            report.sections.append(("mockllm: bad verdicts on the client", str(bad)))
    return report


# --- settings --------------------------------------------------------------------------------------


def _note(node: pytest.Item, server: MockBase) -> None:
    node.stash.setdefault(SERVERS, []).append((server.base_url, server))


def _defaults(config: pytest.Config) -> dict[str, Any]:
    """What the ini file says of all tests."""
    return {
        "scenarios": [str(path) for path in config.getini("mockllm_scenarios")],
        "packs": config.getini("mockllm_packs"),
    }


def _words(node: pytest.Item) -> dict[str, Any]:
    """What its markers say, the nearest first; paths as they can be opened from here."""
    words: dict[str, Any] = {}
    for marker in node.iter_markers(MARKER):
        if marker.args:
            pytest.fail(f"the marker {MARKER} takes words only, as in packs=…", pytrace=False)
        for name, value in marker.kwargs.items():
            if name not in WORDS:
                pytest.fail(_unknown(name), pytrace=False)
            words.setdefault("packs" if name == "pack" else name, value)
    if "packs" in words and isinstance(words["packs"], str):
        words["packs"] = words["packs"].split(",")
    if "scenarios" in words:
        words["scenarios"] = [_path(node, each) for each in _listed(words["scenarios"])]
    return words


def _unknown(name: str) -> str:
    from mockllm.scenario.diagnostics import meant

    return f"the marker {MARKER} has no word {name!r}{meant(name, WORDS)}"


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else [value]


def _path(node: pytest.Item, given: Any) -> str:
    """A path beside the test's file where it lies there, else below the root of the tests."""
    beside = node.path.parent / given
    return str(beside if beside.exists() else node.config.rootpath / Path(given))


def _wants(node: pytest.Item, name: str) -> bool:
    """What a marker, or else the ini file, says of `strict`, `all_used` or `verdicts`."""
    said = _words(node).get(name)
    return bool(node.config.getini(f"mockllm_{name}") if said is None else said)


def _session_id(node: pytest.Item) -> str:
    """What tells the test in its URL and in the log; unique, also where a test is run twice."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", node.name).strip("-")
    return f"{name[:80]}-{next(_numbers)}"


def _made(make: Callable[[], Made]) -> Made:
    """Mistakes in scenario files are told as `mockllm check` tells them, without a traceback."""
    from mockllm.server.engine_builder import Broken

    try:
        return make()
    except Broken as broken:
        told = str(broken)
    pytest.fail(told, pytrace=False)
