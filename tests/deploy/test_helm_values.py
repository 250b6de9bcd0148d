"""The chart's own files, without Helm: values, schema and options belong to this version of mockllm."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mockllm import __version__
from tests.deploy.helm_chart import CASES, CHART, NAMES, VERSIONS, container, load, pod
from tests.deploy.test_container import last, variables
from tests.process import command

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))
ABOUT: dict[str, Any] = load(CHART / "Chart.yaml")


@pytest.mark.parametrize(
    "path", [CHART / "values.yaml", *(CASES / "values" / f"{name}.yaml" for name in NAMES)]
)
def test_values_fit_schema(path: Path) -> None:
    mistakes = jsonschema_rs.validator_for(SCHEMA).iter_errors(load(path))
    assert [f"{list(each.instance_path)}: {each.message}" for each in mistakes] == []


def test_schema_knows_exactly_the_default_values() -> None:
    def compare(schema: dict[str, Any], value: Any, where: str) -> None:
        known = schema.get("properties")
        if known is None or not isinstance(value, dict):
            return
        assert schema["additionalProperties"] is False, where
        for name in value:
            assert name in known, f"{where}.{name}"
            compare(known[name], value[name], f"{where}.{name}")
        if "probes" not in where:  # a probe may have fewer
            assert set(known) - {"global"} == set(value), where

    compare(SCHEMA, load(CHART / "values.yaml"), "values")


def test_chart_has_version_of_package() -> None:
    assert ABOUT["appVersion"] == __version__
    assert ABOUT["kubeVersion"] == f">={VERSIONS[0]}-0"


def test_options_of_pods_exist(tmp_path: Path) -> None:
    output = command("serve", "--help", cwd=tmp_path).stdout
    for name in NAMES:
        server = container(name)
        used = [argument.partition("=")[0] for argument in server["args"] if argument.startswith("--")]
        names = [each["name"] for each in server.get("env", ())]
        wanted = [*used, *(each for each in names if each.startswith("MOCKLLM_"))]
        assert [each for each in wanted if not re.search(rf"(?<![\w-]){each}\b", output)] == []


@pytest.mark.parametrize("name", NAMES)
def test_pod_runs_as_user_of_image(name: str) -> None:
    security = pod(name)["securityContext"]
    assert f"{security['runAsUser']}:{security['runAsGroup']}" == last("USER")
    assert (security["runAsNonRoot"], security["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
    assert pod(name)["automountServiceAccountToken"] is False
    for each in (container(name), *pod(name).get("initContainers", ())):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("name", NAMES)
def test_pod_may_write_where_the_server_writes(name: str) -> None:
    volumes = {each["name"]: each for each in pod(name)["volumes"]}
    mounts = {each["mountPath"]: each["name"] for each in container(name)["volumeMounts"]}
    for folder in ("/var/lib/mockllm", "/tmp"):
        assert "emptyDir" in volumes[mounts[folder]]
    assert "HOME=/var/lib/mockllm" in last("ENV").split()
    assert "MOCKLLM_HOST" in variables()


@pytest.mark.parametrize("name", NAMES)
def test_pod_is_killed_after_drain_and_grace(name: str) -> None:
    server = container(name)
    [grace] = [int(each[8:-1]) for each in server["args"] if each.startswith("--grace=")]
    drain = server["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod(name)["terminationGracePeriodSeconds"] >= drain + grace + 5
