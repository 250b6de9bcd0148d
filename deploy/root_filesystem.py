"""Makes the image's root file system from the build stage: `python deploy/root_filesystem.py TARGET FOLDER…`.

TARGET gets this Python without what no server needs, the folders, the system libraries that all of them load, the
certificates of the public CAs, the user of the server, and a shell with `cat` and `ls`, for `docker exec`. It has no
package manager and no compiler. Debug symbols are removed where `strip` is there.
"""

from __future__ import annotations

import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

USER = 10001
UNUSED = shutil.ignore_patterns(
    *("test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "lib2to3", "pydoc_data"),
    *("site-packages", "dist-packages", "config-*", "__pycache__", "_test*.so", "_ctypes_test*", "xx*.so"),
    *(
        "sqlite3",
        "_sqlite3*",
        "curses",
        "_curses*",
        "dbm",
        "_dbm*",
        "_gdbm*",
        "readline*",
        "_tkinter*",
        "nis*",
    ),
)
"""Parts of Python's library that are left out."""
SOURCES = shutil.ignore_patterns(
    *("*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.c", "*.h", "*.hash", "site", "__pycache__"),
    *("pygments", "pygments-*", "markdown_it", "markdown_it_py-*", "mdurl", "mdurl-*"),
)
"""Files of packages that only builds and editors read, the documentation, and what rich needs for code and Markdown
only."""
IMPORTS = """
import importlib, pkgutil, sys
import mockllm
names = [module.name for module in pkgutil.walk_packages(mockllm.__path__, "mockllm.")]
for name in [*names, "uvloop", "redis.asyncio", "opentelemetry.sdk.trace",
             "opentelemetry.exporter.otlp.proto.http.trace_exporter"]:
    try:
        importlib.import_module(name)
    except (ImportError, SystemExit):
        pass  # of tests, or a program
print(*(file for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))), sep="\\n")
"""
"""Prints the files of all modules that a server can load."""
PROGRAMS = ("sh", "cat", "ls")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LIBRARY = re.compile(r"(/\S+) \(0x")
ELF = b"\x7fELF"


def copy_python(target: Path) -> None:
    """Copy the interpreter, all links that lead to it, and its library."""
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, below(target, library), symlinks=True, ignore=UNUSED)
    for link in links_to(Path(sys.executable)):
        copy(link, target)


def links_to(path: Path) -> Iterator[Path]:
    """Yield a path, and all that it leads to."""
    yield path
    while path.is_symlink():
        path = path.parent / os.readlink(path)
        yield path


def below(target: Path, path: Path) -> Path:
    """Return the place of a path in the target, whose folders are no links."""
    return target / path.parent.resolve().relative_to("/") / path.name


def copy(path: Path, target: Path) -> None:
    """Copy a file or a link."""
    place = below(target, path)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place, follow_symlinks=False)


def binaries(target: Path) -> list[Path]:
    """Return the programs and libraries in the target."""
    files = (path for path in target.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if has_magic(path)]


def has_magic(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == ELF


def compile_modules(target: Path, python: Path) -> None:
    """Compile the modules that a server can load. The others, half of all, are only there as source."""
    listed = subprocess.run([str(python), "-c", IMPORTS], capture_output=True, text=True, check=True).stdout
    for path in map(Path, listed.splitlines()):
        place = below(target, path)
        if place.suffix == ".py" and place.is_file():
            py_compile.compile(str(place), dfile=str(path), doraise=True)


def copy_libraries(target: Path) -> None:
    """Copy the system libraries that the programs and libraries in the target load."""
    found: set[Path] = set()
    for path in binaries(target):
        listed = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout
        found |= {Path(library) for library in LIBRARY.findall(listed)}
    for library in sorted(found):
        if not library.is_relative_to(target):
            for link in links_to(library):
                copy(link, target)
    for name in ("lib", "lib64", "bin"):  # the links of a merged /usr
        link = Path("/", name)
        if link.is_symlink() and not (target / name).exists():
            (target / name).symlink_to(os.readlink(link))


def strip(target: Path) -> None:
    """Remove debug symbols."""
    if shutil.which("strip"):
        for path in binaries(target):
            subprocess.run(["strip", "--strip-unneeded", str(path)], check=False, stderr=subprocess.DEVNULL)


def write_system_files(target: Path) -> None:
    """Write the user, the folders of the server, and the certificates."""
    for name, mode, user in (
        ("tmp", 0o1777, 0),
        ("srv/scenarios", 0o755, 0),
        ("var/lib/mockllm", 0o750, USER),
    ):
        folder = target / name
        folder.mkdir(parents=True)
        folder.chmod(mode)
        os.chown(folder, user, user)
    etc = target / "etc"
    etc.mkdir(exist_ok=True)
    user = f"mockllm:x:{USER}:{USER}::/var/lib/mockllm:/bin/false\n"
    (etc / "passwd").write_text(f"root:x:0:0:root:/root:/bin/sh\n{user}")
    (etc / "group").write_text(f"root:x:0:\nmockllm:x:{USER}:\n")
    if CERTIFICATES.is_file():
        copy(CERTIFICATES, target)


def main() -> None:
    target = Path(sys.argv[1])
    target.mkdir(parents=True)
    copy_python(target)
    for folder in map(Path, sys.argv[2:]):
        shutil.copytree(folder, below(target, folder), symlinks=True, ignore=SOURCES)
    for name in PROGRAMS:
        path = shutil.which(name)
        assert path is not None
        for link in links_to(Path(path)):
            copy(link, target)
    compile_modules(target, Path(sys.argv[2]) / "bin" / "python")
    copy_libraries(target)
    strip(target)
    write_system_files(target)


if __name__ == "__main__":
    main()
