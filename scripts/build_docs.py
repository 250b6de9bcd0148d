"""Builds the documentation site (mockllm/site) from docs, with Zensical.

Hatchling runs it for wheels, so that `mockllm docs` needs no network; scripts/docs runs it by hand. An editable
installation builds nothing: `mockllm docs` builds the site at its first use. With MOCKLLM_DOCS=required a failed
build is an error, otherwise the wheel has no site and a file in its place that says why.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, where nothing is packed
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "mockllm" / "site"
CONFIG = ROOT / "docs" / "mkdocs.yml"
SOURCES = (
    ROOT / "docs",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    Path(__file__).parent / "docs_pages.py",
)
STAMP = SITE / ".sources"
"""The hash of what was built."""
UNBUILT = SITE / "unbuilt.txt"
"""Why there is no site; `mockllm docs` prints it."""
GENERATOR = "zensical>=0.0.73,<0.1"
TIMEOUT = 240
"""Seconds."""


class NotBuilt(Exception):
    """Why the site was not built, in a sentence."""


class BuildHook(BuildHookInterface):
    def dependencies(self) -> list[str]:
        return [] if is_fresh() or not CONFIG.is_file() else [GENERATOR]

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        if version == "editable":
            return
        try:
            build()
        except NotBuilt as error:
            if os.environ.get("MOCKLLM_DOCS") == "required":
                raise
            shutil.rmtree(SITE, ignore_errors=True)
            SITE.mkdir()
            UNBUILT.write_text(f"{error}\n", encoding="utf-8")
            print(f"warning: mockllm is installed without its documentation: {error}", file=sys.stderr)


def build() -> bool:
    """Build the site where its sources have changed, and return whether they had. Raises NotBuilt."""
    if is_fresh():
        return False
    if not CONFIG.is_file():
        raise NotBuilt("this copy has no folder docs")
    if importlib.util.find_spec("zensical") is None:
        raise NotBuilt(f"there is no Zensical to build it with: pip install '{GENERATOR}'")
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.copytree(Path(folder) / "site", SITE)
    STAMP.write_text(wanted(), encoding="ascii")
    return True


def generate(folder: Path) -> None:
    """Build the site in a folder. Raises NotBuilt for each broken link."""
    sys.path.insert(0, str(Path(__file__).parent))
    from docs_pages import MissingDiagram, write_pages

    try:
        write_pages(folder / "docs")
    except MissingDiagram as error:
        raise NotBuilt(str(error)) from None
    shutil.copyfile(CONFIG, folder / CONFIG.name)
    line = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", CONFIG.name]
    environment = {
        **os.environ,
        "NO_COLOR": "1",
    }  # with PYTHONPATH: an isolated build of pip finds Zensical by it
    try:
        done = subprocess.run(
            line,
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"zensical: {error}") from None
    if done.returncode or not (folder / "site/index.html").is_file():
        raise NotBuilt(f"zensical found mistakes:\n{done.stdout}{done.stderr}")


def is_fresh() -> bool:
    """Whether the site was built from these sources; a source archive has the site and no sources."""
    built = (SITE / "index.html").is_file()
    if not CONFIG.is_file():
        return built
    return built and STAMP.is_file() and STAMP.read_text(encoding="ascii") == wanted()


def wanted() -> str:
    """Return the hash of the sources."""
    found = sha256(Path(__file__).read_bytes())
    for source in SOURCES:
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file():
                found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    try:
        print("built" if build() else "nothing to do", SITE)
    except NotBuilt as error:
        sys.exit(f"The documentation: {error}")
