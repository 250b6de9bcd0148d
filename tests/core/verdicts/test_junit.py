"""Verdicts in JUnit's form: valid XML, a case for each verdict, the requests in the text of a failure."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from mockllm.core.verdicts import VERDICTS, Client
from mockllm.core.verdicts.junit import junit
from tests.core.verdicts.scenes import Scene

BAD = [verdict.name for verdict in VERDICTS.values() if not verdict.good]


def test_nobody_asked() -> None:
    root = ET.fromstring(junit([]))
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), list(root)) == ("0", "0", [])


def test_a_bad_verdict_is_a_failure_with_the_requests_in_it() -> None:
    scene = Scene()
    scene.ask(0, 429, told={"retry-after": "1"})
    scene.ask(0.5)
    scene.ask(1, client=Client("fine"), session="s")
    root = ET.fromstring(junit(scene.judged()))
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
    assert failure.get("message") == "#2 came 500ms behind #1, which was told to wait 1s"
    assert failure.text is not None
    rule, says, *requests = failure.text.splitlines()
    assert "RFC 9110" in rule
    assert says == failure.get("message")
    assert requests == ["#1 POST /v1/x - 429, asked to wait 1s", "#2 POST /v1/x - 200"]
    (good,) = root.iter("system-out")
    assert "#2 was answered, behind 1 failure" in (good.text or "")


def test_what_no_xml_may_hold_is_left_out() -> None:
    scene = Scene()
    scene.ask(0, 503, client=Client('<&">\x00\ufffe\ud800'), session="\x1b")
    name = ET.fromstring(junit(scene.judged()))[0].get("name")
    assert name == '<&">???, session ?'
