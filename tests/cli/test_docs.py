"""`mockllm docs`: the site below its version, nothing else of this machine, and a reason where there is no site."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from mockllm import __version__
from mockllm.cli import docs
from tests.cli.in_process import command


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built site, as a wheel has it."""
    folder = tmp_path / "site"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Home</title>")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(docs, "SITE", folder)
    monkeypatch.setattr(docs, "BUILDER", tmp_path / "none.py")
    return folder


@pytest.fixture
def url(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer((docs.HOST, 0), partial(docs.SiteHandler, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_root_leads_to_the_page_of_the_version(url: str) -> None:
    with urllib.request.urlopen(url) as response:
        assert response.url == f"{url}/{__version__}/"
        assert response.read() == b"<title>Home</title>"


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("tutorial/", "tutorial.html"),
        ("tutorial", "tutorial.html"),
        ("tutorial.html?q=1", "tutorial.html"),
        ("tutorial.md", "tutorial.html"),
        (f"{__version__}/tutorial/", "tutorial.html"),
        ("adr", "adr/"),
        (__version__, ""),
    ],
)
def test_other_form_of_address_leads_to_the_page(site: Path, url: str, path: str, page: str) -> None:
    (site / "tutorial.html").write_text("Ten minutes")
    (site / "adr").mkdir()
    (site / "adr/index.html").write_text("Decisions")
    with urllib.request.urlopen(f"{url}/{path}") as response:
        assert response.url == f"{url}/{__version__}/{page}"


def test_page_without_version_that_is_missing_is_404(url: str) -> None:
    assert get(f"{url}/nothing/")[0] == 404


def test_versions_list_has_this_version(url: str) -> None:
    assert [each["version"] for each in json.loads(get(f"{url}/versions.json")[1])] == [__version__]


@pytest.mark.parametrize(
    "path", ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "assets/", "gone.html"]
)
def test_other_files_and_folders_get_404(url: str, path: str) -> None:
    status, text = get(f"{url}/{__version__}/{path}")
    assert status == 404
    assert f'<a href="/{__version__}/">' in text


def test_missing_site_is_explained(site: Path, tmp_path: Path) -> None:
    (site / "index.html").unlink()
    (site / "unbuilt.txt").write_text("there is no Zensical\n")
    ended = command("docs", cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == "mockllm docs: there is no documentation here: there is no Zensical\n"


def test_failed_build_in_checkout_is_explained(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = tmp_path / "build_docs.py"
    builder.write_text("import sys\nsys.exit('The documentation: a link is broken')\n")
    monkeypatch.setattr(docs, "BUILDER", builder)
    ended = command("docs", cwd=tmp_path)
    assert ended.returncode == 1
    assert "a link is broken\nThe pages are in the folder docs" in ended.stderr


@pytest.mark.parametrize("port", ["taken", "99999"])
def test_unusable_port_is_explained(url: str, tmp_path: Path, port: str) -> None:
    number = url.rpartition(":")[2] if port == "taken" else port
    ended = command("docs", "--port", number, cwd=tmp_path)
    assert ended.returncode == 1
    reasons = {"taken": f"port {number} is in use", "99999": "99999 is not a port"}
    assert ended.stderr.startswith(f"mockllm docs: {reasons[port]}; choose ")
