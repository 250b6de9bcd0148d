"""`scripts/image_health_check.py`: an OCI layout as Buildah writes it, with the health check and right digests."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE

SCRIPT = Path(__file__).parents[2] / "scripts" / "image_health_check.py"
CHECK = {"Test": ["CMD", "python", "health.py"], "Interval": 10_000_000_000, "Retries": 3}


class Layout:
    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)
        self.index = folder / "index.json"
        layer = self.put("a layer")
        manifests = []
        for architecture in ("amd64", "arm64"):
            config = self.put({"architecture": architecture, "config": {"User": "10001"}})
            manifest = self.put({"schemaVersion": 2, "config": config, "layers": [layer]})
            manifests.append({**manifest, "platform": {"architecture": architecture}})
        names = {"org.opencontainers.image.ref.name": "mockllm"}
        top = {**self.put({"schemaVersion": 2, "manifests": manifests}), "annotations": names}
        self.index.write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}), "utf-8")

    def put(self, document: Any) -> dict[str, Any]:
        data = json.dumps(document).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def read(self, descriptor: dict[str, Any]) -> Any:
        """A document, whose bytes are those that the descriptor says."""
        kind, _, digest = descriptor["digest"].partition(":")
        data = (self.blobs / digest).read_bytes()
        assert (kind, hashlib.sha256(data).hexdigest(), len(data)) == ("sha256", digest, descriptor["size"])
        return json.loads(data)


def written(layout: Layout, inspected: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(layout.index.parent)],
        input=json.dumps({"Docker": {"config": inspected}}), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_each_image_has_the_check(layout: Layout) -> None:
    done = written(layout, {"Healthcheck": CHECK})
    assert (done.returncode, done.stderr) == (0, "")
    (top,) = json.loads(layout.index.read_text("utf-8"))["manifests"]
    assert top["annotations"] == {"org.opencontainers.image.ref.name": "mockllm"}
    for each in layout.read(top)["manifests"]:
        manifest = layout.read(each)
        config = layout.read(manifest["config"])
        assert config["architecture"] == each["platform"]["architecture"]
        assert config["config"] == {"User": "10001", "Healthcheck": CHECK}
        assert layout.read(*manifest["layers"]) == "a layer"
    assert len(list(layout.blobs.iterdir())) == 6, "nothing is left of the old ones"


def test_image_without_check_is_refused(layout: Layout) -> None:
    before = layout.index.read_bytes()
    done = written(layout, {})
    assert (done.returncode, "has no health check" in done.stderr) == (1, True)
    assert layout.index.read_bytes() == before
