"""Writes an image's health check into the images of an OCI layout.

`buildah inspect --type image IMAGE | python scripts/image_health_check.py LAYOUT`. Buildah leaves the check out of
OCI images, and Docker's buildx preserves it: the specification of OCI images reserves its name, `Healthcheck`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


class ImageLayout:
    """The files of some images, each under the digest of its bytes."""

    def __init__(self, folder: Path, check: dict[str, Any]) -> None:
        self.folder = folder
        self.check = check

    def write_check(self) -> None:
        """Write the check into each image, and the new digests into what leads to it."""
        index = self.folder / "index.json"
        top = json.loads(index.read_bytes())
        top["manifests"] = [self.rewrite(each) for each in top["manifests"]]
        index.write_text(json.dumps(top), "utf-8")

    def rewrite(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        """Rewrite an index, a manifest or a configuration; return its new descriptor."""
        old = self.blob(descriptor["digest"])
        document = json.loads(old.read_bytes())
        if "manifests" in document:
            document["manifests"] = [self.rewrite(each) for each in document["manifests"]]
        elif "layers" in document:
            document["config"] = self.rewrite(document["config"])
        else:
            document["config"]["Healthcheck"] = self.check
        old.unlink()
        data = json.dumps(document, separators=(",", ":")).encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blob(digest).write_bytes(data)
        return {**descriptor, "digest": digest, "size": len(data)}

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest.replace(":", "/")


if __name__ == "__main__":
    built = json.load(sys.stdin)["Docker"]["config"].get("Healthcheck")
    if not built:
        sys.exit("The image that Buildah built has no health check.")
    ImageLayout(Path(sys.argv[1]), built).write_check()
