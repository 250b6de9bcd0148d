"""The report of the last hunt: findings with the requests of the failing run, and what was tried."""

from __future__ import annotations

from playwright.sync_api import expect

from mockllm.hunting.finding_files import keep_findings
from mockllm.hunting.hunter import HuntBudget
from tests.dashboard.dashboard_page import Dashboard
from tests.hunting.scripted_trial import ScriptedTrial, hunted

SOONER = """() => {
    const later = window.setTimeout, ask = window.fetch;
    window.asked = 0;
    window.setTimeout = (act, wait, ...more) => later(act, wait > 4000 ? 100 : wait, ...more);
    window.fetch = (path, ...more) => {
        window.asked += path === "/api/hunt";
        return ask(path, ...more);
    };
}"""
"""The page requests the report each five seconds; here it does so each 100 milliseconds."""


def test_hunt_view_shows_findings_and_what_was_tried(dashboard: Dashboard) -> None:
    page = dashboard.page
    dashboard.open("hunt", anew=True)
    page.evaluate(SOONER)
    # a hunt sends no request to this server: nothing but time makes the page ask again
    page.wait_for_function("() => window.asked > 2")
    expect(dashboard.card("The last hunt")).to_contain_text("mockllm hunt -- COMMAND")
    report = hunted(
        ScriptedTrial(lambda schedule, number: "crlf" in {each.kind for each in schedule}),
        HuntBudget(runs=40, jobs=1, replays=3),
    )
    keep_findings(report, dashboard.server.folder.parent / "hunt", own_pace=False)
    (finding,) = report.findings
    item = page.get_by_role("article", name=finding.name)
    expect(item).to_contain_text("3 of 3 replays failed")
    expect(item).to_contain_text(str(finding.schedule[0]))
    expect(item.get_by_role("list", name=f"Requests of {finding.name}")).to_contain_text("200")
    expect(item.get_by_text("finished")).to_have_count(0)
    tried = dashboard.card("What was tried")
    expect(tried.get_by_role("row", name="crlf")).to_contain_text("failed")
