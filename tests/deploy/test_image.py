"""The image for two architectures, as `scripts/setup images` has made it: its size, its user, and a server in it."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mockllm import __version__
from tests.waiting import PATIENCE

ARCHIVE = Path(__file__).parents[2] / ".venv" / "mockllm-image.tar"
ARCHITECTURES = ("amd64", "arm64")
MAX_SIZE = 120_000_000
"""Bytes of all files."""
HEALTH = ("python", "/opt/mockllm/health.py")
"""The check of the Dockerfile."""
INSIDE = """
mkdir -p dev proc && mount --bind /dev dev && mount --bind /proc proc && \
  exec /usr/sbin/chroot --userspec=10001:10001 . /usr/bin/sh -c 'cd /srv && exec "$@"' sh "$@"
"""
"""A program in the root file system, as the image's user; the mounts end with it."""
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not ARCHIVE.exists(), reason="there is no image: scripts/setup images"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may run programs in another root"),
    pytest.mark.xdist_group("image"),
]


class Image:
    """One architecture's image, unpacked."""

    def __init__(self, archive: tarfile.TarFile, manifest: dict[str, Any], root: Path) -> None:
        self.config: dict[str, Any] = blob(archive, manifest["config"])
        self.root = root
        self.environment = dict(each.split("=", 1) for each in self.config["config"]["Env"])
        for layer in manifest["layers"]:
            with tarfile.open(fileobj=archive.extractfile(place(layer)), mode="r:*") as files:
                files.extractall(root, filter="tar")

    @property
    def size(self) -> int:
        return sum(path.lstat().st_size for path in self.root.rglob("*") if not path.is_dir())

    def command(self, *args: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", INSIDE, "sh", *args], cwd=self.root,
            env={**self.environment, **more}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def output(self, *args: str, **more: str) -> tuple[int, str]:
        process = self.command(*args, **more)
        text, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, text


def place(descriptor: dict[str, Any]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"


def blob(archive: tarfile.TarFile, descriptor: dict[str, Any]) -> Any:
    file = archive.extractfile(place(descriptor))
    assert file is not None
    return json.load(file)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Image]]:
    folder = tmp_path_factory.mktemp("image")
    with tarfile.open(ARCHIVE) as archive:
        index = archive.extractfile("index.json")
        assert index is not None
        (top,) = json.load(index)["manifests"]
        found = blob(archive, top)
        yield {
            (name := each["platform"]["architecture"]): Image(archive, blob(archive, each), folder / name)
            for each in found["manifests"]
        }
    shutil.rmtree(folder, ignore_errors=True)


def require_emulation(architecture: str) -> None:
    """Skip where the system does not know an emulator for the programs of an image."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    known = Path("/proc/sys/fs/binfmt_misc", f"qemu-{machine}").exists()
    if platform.machine() != machine and not known:
        pytest.skip(f"programs for {machine} do not run here: scripts/setup images")


@contextmanager
def served(image: Image) -> Iterator[int]:
    """The port of a server in the image."""
    entry = [*image.config["config"]["Entrypoint"], *image.config["config"]["Cmd"]]
    process = image.command(*entry, MOCKLLM_PORT="0", MOCKLLM_HOST="localhost")
    try:
        assert process.stdout is not None
        ready = re.search(r"listening on http://localhost:(\d+)", process.stdout.readline())
        assert ready is not None
        yield int(ready[1])
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_archive_has_both_architectures(images: dict[str, Image]) -> None:
    assert tuple(sorted(images)) == ARCHITECTURES
    assert all(image.config["config"]["User"] == "10001:10001" for image in images.values())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_image_has_health_check(images: dict[str, Image], architecture: str) -> None:
    """Buildah leaves it out of an OCI archive, and `scripts/image` writes it."""
    check = images[architecture].config["config"]["Healthcheck"]
    assert check["Test"] == ["CMD", *HEALTH]
    assert (check["Interval"], check["Timeout"]) == (10_000_000_000, 3_000_000_000)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_unpacked_image_is_small(images: dict[str, Image], architecture: str) -> None:
    assert images[architecture].size < MAX_SIZE


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_server_in_image_is_healthy(images: dict[str, Image], architecture: str) -> None:
    require_emulation(architecture)
    image = images[architecture]
    assert image.output("mockllm", "--version") == (0, f"mockllm {__version__}\n")
    with served(image) as port:
        base = f"http://localhost:{port}"
        with urllib.request.urlopen(f"{base}/health", timeout=PATIENCE) as response:
            assert json.load(response)["status"] == "ok"
        with urllib.request.urlopen(f"{base}/dashboard", timeout=PATIENCE) as response:
            assert b"app.js" in response.read()
        assert image.output(*HEALTH, MOCKLLM_PORT=str(port)) == (0, "")
    code, text = image.output(*HEALTH, MOCKLLM_PORT="9")
    assert (code, "no server responds at port 9" in text) == (1, True)
