"""Verdicts in JUnit's form: valid XML, a case for each verdict, the requests in the text of a failure."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from mockllm.core.verdicts import VERDICTS, Client
from mockllm.core.verdicts.junit import junit
from tests.core.verdicts.client_script import ClientScript

BAD = [verdict.name for verdict in VERDICTS.values() if not verdict.good]


def test_junit_without_clients_is_empty() -> None:
    root = ET.fromstring(junit([]))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), list(root)) == ("0", "0", [])


def test_junit_bad_verdict_is_failure_with_its_requests() -> None:
    script = ClientScript()
    script.send(0, 429, response_headers={"retry-after": "1"})
    script.send(0.5)
    script.send(1, client=Client("fine"), session="s")
    root = ET.fromstring(junit(script.reports()))
    first, second = root
    assert (root.get("tests"), root.get("failures")) == (str(2 * len(BAD) + 1), "1")
    assert (first.get("name"), second.get("name")) == ("Program/1, key k, 127.0.0.1", "fine, session s")
    assert (first.get("tests"), first.get("failures"), second.get("failures")) == (
        str(len(BAD) + 1),
        "1",
        "0",
    )
    assert [case.get("name") for case in second] == BAD
    assert {case.get("classname") for case in first} == {"mockllm.Program/1, key k, 127_0_0_1"}
    (failure,) = root.iter("failure")
    assert failure.get("type") == "retry_after_ignored"
    assert failure.get("message") == "#2 came 500ms after #1, which requested a wait of 1s"
    assert failure.text is not None
    rule, evidence, *requests = failure.text.splitlines()
    assert "RFC 9110" in rule
    assert evidence == failure.get("message")
    assert requests == ["#1 POST /v1/x - 429, retry after 1s", "#2 POST /v1/x - 200"]
    (good,) = root.iter("system-out")
    assert "#2 succeeded after 1 failure" in (good.text or "")


def test_junit_replaces_characters_that_xml_forbids() -> None:
    script = ClientScript()
    script.send(0, 503, client=Client('<&">\x00\ufffe\ud800'), session="\x1b")
    name = ET.fromstring(junit(script.reports()))[0].get("name")
    assert name == '<&">???, session ?'
