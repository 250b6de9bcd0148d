"""What the pods of the chart run, run here: the stored renderings' options, variables and files in a folder."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mockllm.server.certificates import self_signed
from tests.deploy.helm_chart import container, of_kind, pod, rendered
from tests.process import Process, serving
from tests.store.redis_server import program
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.timeout(PATIENCE * 3)
WORDS = "one two three four five six seven eight nine ten eleven twelve"


def mount_config_map(name: str, folder: Path) -> None:
    """Write the files as the kubelet does: links to files behind a link that it exchanges at a change."""
    data = of_kind(rendered(name), "ConfigMap")["data"]
    version = folder / "..2026_01_01"
    version.mkdir(parents=True)
    (folder / "..data").symlink_to(version.name)
    for file, content in data.items():
        (version / file).write_text(content, encoding="utf-8")
        (folder / file).symlink_to(f"..data/{file}")


def options(name: str, folder: Path) -> list[str]:
    """The arguments of the pod, on a free port of this machine, with the pod's folders below `folder`."""
    found: list[str] = []
    for argument in container(name)["args"][1:]:
        option, _, value = argument.partition("=")
        value = {"--host": "127.0.0.1", "--port": "0", "--tls-port": "0"}.get(option, value)
        value = value.replace("/srv/", f"{folder}/").replace("/etc/", f"{folder}/etc/")
        found += [option, value] if value else [option]
    return found


def values(name: str) -> dict[str, str]:
    """The variables of the pod that have a value, or one in a Secret of the chart."""
    found = {}
    for each in container(name).get("env", ()):
        if "value" in each:
            found[each["name"]] = each["value"]
        else:
            reference = each["valueFrom"]["secretKeyRef"]
            found[each["name"]] = of_kind(rendered(name), "Secret")["stringData"][reference["key"]]
    return found


@contextmanager
def started_stream(server: Process) -> Iterator[Any]:
    """The response to a request for a stream whose first event has come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    body = {"model": "slow-1", "stream": True, "messages": [{"role": "user", "content": "go"}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    assert response.readline().startswith(b"data: ")
    try:
        yield response
    finally:
        connection.close()


def test_pod_serves_scenarios_of_config_map(tmp_path: Path) -> None:
    mount_config_map("plain", tmp_path / "scenarios")
    with serving(*options("plain", tmp_path), cwd=tmp_path, **values("plain")) as server:
        path = container("plain")["readinessProbe"]["httpGet"]["path"]
        assert server.get(path)["status"] == "ok"
        assert server.ask("well, hello") == "Hello from the cluster."


def test_pod_reloads_exchanged_config_map(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    mount_config_map("plain", folder)
    with serving(*options("plain", tmp_path), cwd=tmp_path, **values("plain")) as server:
        version = folder / "..2026_01_02"
        version.mkdir()
        (version / "support.yaml").write_text("rules:\n  - {match: {}, reply: Changed.}\n", encoding="utf-8")
        (folder / "..tmp").symlink_to(version.name)
        (folder / "..tmp").rename(folder / "..data")
        server.line(lambda line: "reloaded" in line)
        assert server.ask("well, hello") == "Changed."


def test_stream_ends_complete_after_pod_gets_the_stop(tmp_path: Path) -> None:
    mount_config_map("plain", tmp_path / "scenarios")
    with (
        serving(*options("plain", tmp_path), cwd=tmp_path, **values("plain")) as server,
        started_stream(server) as response,
    ):
        server.send(signal.SIGTERM)
        events = [line[6:] for line in response.read().splitlines() if line.startswith(b"data: ")]
        assert events[-1] == b"[DONE]"
        chunks = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1]]
        assert "".join(chunks).endswith(WORDS.partition("one ")[2])
        assert server.ended() == 0


@pytest.mark.needs("git")
def test_init_container_fetches_scenarios_of_ref(tmp_path: Path) -> None:
    repository, home = tmp_path / "repository", tmp_path / "home"
    home.mkdir()
    folder = repository / "llm" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("rules:\n  - {match: {model: gpt-4o}, reply: From git.}\n")
    line = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "A"], ["tag", "v1.2.0"]):
        subprocess.run([*line, *arguments], check=True)
    (folder / "a.yaml").write_text("rules: []\n")
    subprocess.run([*line, "commit", "--quiet", "-a", "-m", "B"], check=True)
    [init] = pod("git")["initContainers"]
    script = init["args"][0].replace("/srv/", f"{tmp_path}/")
    environment_of_pod = {each["name"]: each["value"] for each in init["env"] if "value" in each}
    assert environment_of_pod["GIT_URL"] == "https://git.example/team/mocks.git"
    environment = {
        **environment_of_pod,
        "GIT_URL": repository.as_uri(),
        "HOME": str(home),
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [*init["command"], script], env=environment, capture_output=True, encoding="utf-8", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" A\n")
    with serving(*options("git", tmp_path), cwd=tmp_path, **values("git")) as server:
        assert server.ask("hi") == "From git."


@contextmanager
def valkey_of_chart(folder: Path) -> Iterator[str]:
    """A server with the arguments of the chart's Valkey pod, on a Unix socket; its address."""
    [pod] = of_kind(rendered("replicas"), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    arguments = [str(folder) if each == "/data" else each for each in pod["args"][1:]]
    socket = folder / "store.sock"
    line = [program(), *arguments, "--port", "0", "--unixsocket", str(socket)]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(socket.exists)
        yield f"unix://{socket}"
    finally:
        process.kill()
        process.wait()


def test_replicas_play_each_step_once(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    rule = "rules:\n  - {match: {}, sequence: [one, two, three, four]}\n"
    (tmp_path / "scenarios" / "a.yaml").write_text(rule, encoding="utf-8")
    with TemporaryDirectory(prefix="mockllm-") as folder, valkey_of_chart(Path(folder)) as address:
        environment_of_pod = {**values("replicas"), "MOCKLLM_STORE": address}
        assert values("replicas")["MOCKLLM_STORE"] == "redis://mock-mockllm-valkey:6379/0"
        with (
            serving(*options("replicas", tmp_path), cwd=tmp_path, **environment_of_pod) as first,
            serving(*options("replicas", tmp_path), cwd=tmp_path, **environment_of_pod) as second,
        ):
            assert [each.ask() for each in (first, second, second, first)] == ["one", "two", "three", "four"]
            assert first.get("/health")["store"] == "ok"


def test_pod_with_certificate_serves_http_and_https(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "mockllm" / "tls"
    certificates = self_signed(folder, ["127.0.0.1"])
    for name in ("tls.crt", "tls.key"):  # one file has both
        (folder / name).write_bytes(certificates.server.read_bytes())
    arguments = [each for each in options("open", tmp_path) if each not in ("--workers", "2")]
    environment_of_pod = {"MOCKLLM_ADMIN_TOKEN": "of-a-secret"}
    with serving(*arguments, cwd=tmp_path, **environment_of_pod) as server:
        addresses = [each.rstrip(",") for each in server.reported.split() if "://127.0.0.1" in each][:2]
        trusted = ssl.create_default_context(cafile=str(certificates.ca))
        for address in addresses:
            with urllib.request.urlopen(f"{address}/health", context=trusted, timeout=PATIENCE) as response:
                assert json.load(response)["status"] == "ok"
        assert sorted(each.partition(":")[0] for each in addresses) == ["http", "https"]
