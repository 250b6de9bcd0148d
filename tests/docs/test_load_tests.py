"""docs/load-tests.md is true: its scenario passes its example, its options and metrics exist, its bounds are the
defaults of a server, and its manifest matches the image."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from ruamel.yaml import YAML

from mockllm.cli.options import LOAD_OPTIONS, SERVING
from mockllm.server.server_limits import KIB, MIB, ServerLimits, environment_name
from tests.packing.pack_files import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "load-tests.md").read_text(encoding="utf-8")
SCENARIO, MANIFEST = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
OPTIONS = {option.name for option in (*LOAD_OPTIONS, *SERVING)} | {
    each.metadata["option"] for each in fields(ServerLimits)
}


def test_scenario_of_page_passes_its_example(tmp_path: Path) -> None:
    (tmp_path / "busy.yaml").write_text(SCENARIO)
    assert run("check", str(tmp_path)) == 0
    assert run("test", str(tmp_path)) == 0


def test_options_and_metrics_of_page_exist() -> None:
    documented = set(re.findall(r"(?<!-)--[a-z][a-z-]+", PAGE)) - {"--ulimit", "--from-file"}
    assert documented - OPTIONS == set()
    seen = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    for metric in re.findall(r"mockllm_[a-z_]+?(?=_bucket|\b)", PAGE):
        assert f"`{metric}`" in seen, metric


def test_bounds_of_page_are_server_defaults() -> None:
    built = ServerLimits()
    documented = [built.keepalive, built.body / MIB, built.header / KIB, built.headers, built.unsent / MIB,
            built.sessions, built.journal, built.journal_bytes / MIB, built.grace]  # fmt: skip
    assert documented == [75, 32, 32, 128, 1, 1000, 1000, 64, 10]
    bounds = PAGE[PAGE.index("## Bounds") : PAGE.index("## Refuse")]
    for item in ("75 s", "32 MiB", "32 KiB", "128 headers", "1 MiB", "1,000 sessions", "64 MiB", "10 s"):
        assert item in bounds, item


def test_manifest_of_page_fits_the_image() -> None:
    deployment, service = YAML(typ="safe").load_all(MANIFEST)
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    names = {item["name"] for item in container["env"]}
    assert names - {environment_name(option) for option in OPTIONS} == set()
    assert pod["terminationGracePeriodSeconds"] > int(container["env"][1]["value"])
    image = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert f"EXPOSE {container['ports'][0]['containerPort']}\n" in image
    assert service["spec"]["ports"][0]["targetPort"] == container["readinessProbe"]["httpGet"]["port"] == 8080
    assert container["volumeMounts"][0]["mountPath"] == "/srv/scenarios"
