"""The composition of server, Jaeger and Prometheus: what the files say of each other fits together."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from ruamel.yaml import YAML

from mockllm.server.traces.otlp_endpoint import target
from tests.process import command

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSED: Any = YAML(typ="safe").load(DEPLOY / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSED["services"]
SCRAPED: Any = YAML(typ="safe").load(DEPLOY / "prometheus.yml")["scrape_configs"][0]


COMPOSE = "github.com/compose-spec/compose-go/v2@v2.16.2"
"""The module with which Docker Compose reads its files; it contains their JSON Schema."""


@pytest.mark.full
@pytest.mark.skipif(shutil.which("go") is None, reason="Go fetches the schema of composition files")
def test_composition_is_valid_by_schema_of_compose(tmp_path: Path) -> None:
    line = ["go", "mod", "download", "-json", COMPOSE]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{COMPOSE} cannot be fetched: {done.stdout}{done.stderr}")
    schema = json.loads((Path(json.loads(done.stdout)["Dir"]) / "schema" / "compose-spec.json").read_text())
    assert [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(COMPOSED)] == []


def published() -> Iterator[tuple[str, str, str]]:
    for service in SERVICES.values():
        for port in service["ports"]:
            address, outer, inner = port.split(":")
            yield address, outer, inner


def mounts(name: str) -> dict[str, tuple[str, str]]:
    """Source and mode of what is mounted in a service's container, by its path there."""
    places = {}
    for mount in SERVICES[name]["volumes"]:
        source, place, mode = f"{mount}:rw".replace("${SCENARIOS:-./scenarios}", "./scenarios").split(":")[:3]
        places[place] = source, mode
    return places


def test_composition_has_server_jaeger_and_prometheus() -> None:
    assert set(SERVICES) == {"mockllm", "jaeger", "prometheus"}
    for name, service in SERVICES.items():
        assert ":" in service["image"] or "build" in service, f"{name} has no version"
    build = SERVICES["mockllm"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_ports_are_published_on_this_machine_alone() -> None:
    ports = list(published())
    assert {address for address, _, _ in ports} == {"127.0.0.1"}
    assert {outer for _, outer, _ in ports} == {"8080", "16686", "9090"}
    assert all(
        outer == inner for _, outer, inner in ports
    )  # the addresses that are printed are the right ones


def test_traces_go_where_jaeger_takes_them() -> None:
    result = target(SERVICES["mockllm"]["environment"])
    assert result is not None
    assert (result.url, result.warning) == ("http://jaeger:4318/v1/traces", None)


def test_prometheus_reads_token_file_of_server() -> None:
    stored = SERVICES["mockllm"]["environment"]["MOCKLLM_ADMIN_TOKEN_FILE"]
    assert SCRAPED["authorization"]["credentials_file"] == stored
    folder = str(Path(stored).parent)
    assert mounts("mockllm")[folder] == ("kept", "rw")
    assert mounts("prometheus")[folder] == ("kept", "ro")
    assert "kept" in COMPOSED["volumes"]
    user = next(line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if line.startswith("USER"))
    assert SERVICES["prometheus"]["user"] == user.removeprefix("USER ")
    assert SCRAPED["static_configs"] == [{"targets": ["mockllm:8080"]}]


@pytest.mark.parametrize("name", ["mockllm", "prometheus"])
def test_mounted_sources_exist(name: str) -> None:
    for source, _ in mounts(name).values():
        assert source in COMPOSED["volumes"] or (DEPLOY / source).exists(), source


def test_scenarios_of_composition_pass_check(tmp_path: Path) -> None:
    done = command("check", "--strict", str(DEPLOY / "scenarios"), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
