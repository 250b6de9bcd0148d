"""What Helm renders of the chart: stored byte for byte, and valid for Kubernetes and the Prometheus Operator.

`MOCKLLM_UPDATE_GOLDEN=1 pytest -m "" tests/deploy` writes tests/deploy/helm/rendered.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.helm_chart import (
    CASES,
    CHART,
    NAMES,
    TOOLS,
    VERSIONS,
    helm,
    of_kind,
    rendered,
    template,
    tool,
)
from tests.tools import absent

pytestmark = [pytest.mark.full, pytest.mark.timeout(180)]
PODMONITOR = Path(__file__).parent / "podmonitor"
MISTAKES = {
    "typo": ("replica=2", "additional properties 'replica' not allowed"),
    "type": ("replicas=many", "'/replicas': got string, want integer"),
    "privileged port": ("port=80", "'/port': minimum: got 80, want 1,024"),
    "workers": ("workers=all", "'/workers'"),
    "git without a repository": ("scenarios.git.ref=v1", "scenarios.git has no url"),
    "two sources": (
        "scenarios.existingConfigMap=mine,scenarios.git.url=https://git.example/a.git",
        "scenarios come from one place, but these are set: scenarios.existingConfigMap, scenarios.git.url",
    ),
    "path outside": ("scenarios.git.path=a/../..", "scenarios.git.path is outside of the repository: a/../.."),
    "ssh": ("scenarios.git.url=git@git.example:a.git", "'/scenarios/git/url': 'git@git.example:a.git' does not"),
    "two stores": (
        "store.url=redis://a,store.valkey.enabled=true",
        "there is one store, but these are set: store.url, store.valkey.enabled",
    ),
    "store scheme": ("store.url=http://a", "'/store/url': 'http://a' does not match pattern"),
    "two tokens": ("adminToken.value=a,adminToken.existingSecret=b", "set only one of them"),
    "token of two words": ("adminToken.value=a b", "'/adminToken/value': 'a b' does not match pattern"),
    "scrape without token": ("podMonitor.enabled=true", "podMonitor.enabled needs a token for /metrics"),
    "one port twice": ("tls.secretName=a,tls.port=8080", "port and tls.port are both 8080"),
    "one port of the Service twice": (
        "tls.secretName=a,service.port=443", "service.port and tls.servicePort are both 443"
    ),
    "label of the selector": (
        "podLabels.app\\.kubernetes\\.io/component=mine",
        "podLabels may not set app.kubernetes.io/component: the Service selects pods by it",
    ),
    "ingress without host": ("ingress.enabled=true", "ingress.enabled needs a host"),
    "no room to scale": (
        "autoscaling.enabled=true,autoscaling.minReplicas=20",
        "autoscaling.minReplicas is 20, above autoscaling.maxReplicas, 10",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_rendering_of_case_equals_stored_file(name: str) -> None:
    done = template("--values", str(CASES / "values" / f"{name}.yaml"))
    assert done.returncode == 0, done.stderr
    file = CASES / "rendered" / f"{name}.yaml"
    if os.environ.get("MOCKLLM_UPDATE_GOLDEN"):
        file.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["", *NAMES])
def test_helm_lint_finds_no_mistake(name: str) -> None:
    values = ["--values", str(CASES / "values" / f"{name}.yaml")] if name else []
    done = helm("lint", "--strict", "--quiet", *values, str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_rendered_objects_fit_schemas_of_kubernetes(version: str) -> None:
    schemas = TOOLS / "schemas" / f"v{version}"
    done = subprocess.run(
        [tool("kubeconform"), "-strict", "-skip", "PodMonitor", "-kubernetes-version", version,
         "-schema-location", f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
         *(str(CASES / "rendered" / f"{name}.yaml") for name in NAMES)],
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubeconform_refuses_unknown_field(tmp_path: Path) -> None:
    """The schemas are strict."""
    stored = (CASES / "rendered" / "plain.yaml").read_text(encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(stored.replace("enableServiceLinks", "enableServiceLink"))
    schemas = TOOLS / "schemas" / f"v{VERSIONS[0]}"
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    done = subprocess.run(
        [tool("kubeconform"), "-strict", "-schema-location", location, str(tmp_path / "wrong.yaml")],
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 1
    assert "enableServiceLink" in done.stdout


@pytest.mark.needs("node")
@pytest.mark.parametrize("interval", ["15s", "soon"])
def test_pod_monitor_fits_types_of_operator(interval: str) -> None:
    if not (PODMONITOR / "node_modules").exists():
        absent("the packages of tests/deploy/podmonitor are not installed (scripts/setup all)")
    monitor = of_kind(rendered("replicas"), "PodMonitor")
    monitor["spec"]["podMetricsEndpoints"][0]["interval"] = interval
    done = subprocess.run(
        ["node", "validate.mjs"],
        cwd=PODMONITOR, input=json.dumps(monitor), capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert (done.returncode, "interval must match" in done.stderr) == (interval == "soon",) * 2, done.stderr


@pytest.mark.parametrize("mistake", MISTAKES)
def test_wrong_value_gets_clear_error(mistake: str) -> None:
    values, message = MISTAKES[mistake]
    done = template("--set", values)
    assert done.returncode == 1
    assert message in done.stderr


def test_new_admin_token_replaces_the_pods() -> None:
    def metadata(*values: str) -> dict[str, Any]:
        done = template("--set", ",".join(values), "-s", "templates/deployment.yaml")
        found: dict[str, Any] = YAML(typ="safe").load(done.stdout)["spec"]["template"]["metadata"]
        return found

    one, other = metadata("adminToken.value=one"), metadata("adminToken.value=two")
    assert one["annotations"] != other["annotations"]
    assert metadata("adminToken.value=one", "podAnnotations.a=b")["annotations"] == {
        **one["annotations"],
        "a": "b",
    }
    assert "annotations" not in metadata("adminToken.existingSecret=mine")


def test_notes_name_addresses_and_missing_store(tmp_path: Path) -> None:
    """Helm shows them after an installation only, so a copy of the chart has them as an object."""
    copy = Path(shutil.copytree(CHART, tmp_path / "mockllm"))
    (copy / "templates" / "NOTES.txt").rename(copy / "notes")
    (copy / "templates" / "notes.yaml").write_text('notes: {{ tpl (.Files.Get "notes") . | toJson }}\n')
    done = helm(
        "template",
        "mock",
        str(copy),
        "--namespace",
        "test",
        "--set",
        "replicas=2,workers=auto",
        "-s",
        "templates/notes.yaml",
    )
    notes = YAML(typ="safe").load(done.stdout)["notes"]
    assert "OPENAI_BASE_URL=http://mock-mockllm.test.svc:80/v1" in notes, done.stderr
    assert "Each replica counts for itself" in notes
    assert "Several workers serve only rules without counts" in notes
