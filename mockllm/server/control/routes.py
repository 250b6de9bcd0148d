"""The routes of the control API: method, path, handler, models and summary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote

from msgspec import Struct
from pydantic import BaseModel

from mockllm.server.control.api_types import JSON, YAML
from mockllm.server.control.handlers import journal, metrics, options, overlay, sessions, settings, verdicts
from mockllm.server.control.models import (
    base,
    endpoint_config,
    expectations,
    journal_entries,
    metric_values,
    option_lists,
    rule_items,
    session_list,
    verdict_reports,
)


class ApiRoute(Struct, frozen=True):
    """One call. `{name}` in its path is one segment. `raw` describes a body that has no model."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    summary: str
    response_model: type[BaseModel] | None = None
    body_model: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    raw: str | None = None
    content_type: str = JSON
    or_type: str | None = None
    """A second content type of the response, which the query selects."""

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return the parameters of a path, or None for another path."""
        own = self.path.split("/")
        if len(own) != len(segments):
            return None
        params = {}
        for expected, segment in zip(own, segments, strict=True):
            if expected.startswith("{"):
                if not segment:
                    return None
                params[expected[1:-1]] = unquote(segment)
            elif expected != segment:
                return None
        return params


RULES: Final = "YAML or JSON: the `rules` and `modifiers` of a scenario file, or a single rule or modifier"
ROUTES: Final[tuple[ApiRoute, ...]] = (
    ApiRoute(
        "GET",
        "/api/requests",
        journal.list_requests,
        "The journal, in pages",
        journal_entries.RequestPage,
        query=journal_entries.RequestQuery,
    ),
    ApiRoute(
        "DELETE",
        "/api/requests",
        journal.forget_requests,
        "Clear the journal",
        journal_entries.ForgottenCount,
    ),
    ApiRoute(
        "GET",
        "/api/requests/export",
        journal.export_requests,
        "The journal as JSON lines or HAR",
        query=journal_entries.ExportQuery,
        content_type="application/x-ndjson",
        or_type=JSON,
    ),
    ApiRoute(
        "GET",
        "/api/requests/{id}",
        journal.show_request,
        "One request in full",
        journal_entries.RequestDetail,
    ),
    ApiRoute(
        "GET",
        "/api/requests/{id}/rule",
        overlay.suggest_rule,
        "A rule for requests like this one, to edit",
        rule_items.SuggestedRule,
    ),
    ApiRoute(
        "POST",
        "/api/verify",
        journal.verify,
        "Verify expectations on the requests",
        expectations.VerifyResult,
        expectations.VerifyBody,
    ),
    ApiRoute(
        "GET",
        "/api/verdicts",
        verdicts.show_verdicts,
        "How clients behave",
        verdict_reports.VerdictList,
        query=verdict_reports.VerdictQuery,
        or_type="application/xml",
    ),
    ApiRoute(
        "POST",
        "/api/explain",
        journal.explain,
        "Which rule a request matches, and why",
        raw='a request as `mockllm explain` reads it, or {"request_id": N} for a journal entry',
    ),
    ApiRoute("POST", "/api/reload", journal.reload, "Reload the scenario files now", base.Reloaded),
    ApiRoute(
        "POST",
        "/api/reset",
        journal.reset,
        "Reset counters, sessions, journal, metrics and overlay",
        base.ResetDone,
        base.ResetBody,
    ),
    ApiRoute(
        "GET",
        "/api/rules",
        journal.list_rules,
        "All rules and modifiers, with counters and positions",
        rule_items.RuleList,
    ),
    ApiRoute(
        "POST",
        "/api/rules",
        overlay.add_rules,
        "Add rules and modifiers to the overlay of all sessions or of one",
        rule_items.OverlayDone,
        query=session_list.SessionQuery,
        raw=RULES,
    ),
    ApiRoute(
        "DELETE",
        "/api/rules",
        overlay.delete_rules,
        "Empty the overlay of all sessions or of one",
        rule_items.OverlayDone,
        query=session_list.SessionQuery,
    ),
    ApiRoute(
        "PUT",
        "/api/rules/{name}",
        overlay.put_rule,
        "Replace or add one rule or modifier of the overlay",
        rule_items.OverlayDone,
        query=session_list.SessionQuery,
        raw=RULES,
    ),
    ApiRoute(
        "DELETE",
        "/api/rules/{name}",
        overlay.delete_rule,
        "Remove one rule or modifier from the overlay",
        rule_items.OverlayDone,
        query=session_list.SessionQuery,
    ),
    ApiRoute(
        "GET",
        "/api/overlay",
        overlay.list_items,
        "The rules and modifiers of the overlay",
        rule_items.OverlayItems,
    ),
    ApiRoute(
        "GET",
        "/api/overlay.yaml",
        overlay.show_overlay,
        "The overlay as a scenario file",
        query=session_list.SessionQuery,
        content_type=YAML,
    ),
    ApiRoute(
        "GET",
        "/api/sessions",
        sessions.list_sessions,
        "All sessions, the last used first",
        session_list.SessionList,
    ),
    ApiRoute(
        "DELETE",
        "/api/sessions/{session}",
        sessions.end_session,
        "End a session: its counters, stored responses and overlay",
        base.Done,
    ),
    ApiRoute(
        "GET",
        "/api/config",
        settings.show_config,
        "All settings that were changed at run time",
        endpoint_config.Config,
    ),
    ApiRoute(
        "PATCH",
        "/api/config/global",
        settings.patch_global,
        "Change settings of all endpoints",
        endpoint_config.Config,
        endpoint_config.SettingsPatch,
    ),
    ApiRoute(
        "GET",
        "/api/config/endpoints",
        settings.list_endpoints,
        "All endpoints with their settings",
        endpoint_config.EndpointList,
    ),
    ApiRoute(
        "PATCH",
        "/api/config/endpoints/{endpoint}",
        settings.patch_endpoint,
        "Change settings of one endpoint",
        endpoint_config.EndpointSettings,
        endpoint_config.SettingsPatch,
    ),
    ApiRoute(
        "DELETE",
        "/api/config/endpoints/{endpoint}",
        settings.delete_endpoint,
        "Remove all settings of one endpoint",
        endpoint_config.EndpointSettings,
    ),
    ApiRoute(
        "POST", "/api/config/reset", settings.reset_config, "Remove all settings", endpoint_config.Config
    ),
    ApiRoute(
        "GET", "/api/metrics", metrics.show_metrics, "All metrics by endpoint", metric_values.MetricsView
    ),
    ApiRoute(
        "GET",
        "/api/metrics/latency/{endpoint}",
        metrics.show_latency,
        "Latency percentiles of one endpoint",
        metric_values.LatencyView,
    ),
    ApiRoute("POST", "/api/metrics/reset", metrics.reset_metrics, "Reset the metrics", base.Done),
    ApiRoute(
        "GET",
        "/api/detailed-metrics",
        metrics.show_detailed,
        "Requests by model, rule and status, and a time series in seconds",
        metric_values.DetailedMetrics,
    ),
    ApiRoute(
        "GET", "/api/detailed-metrics/export/json", metrics.export_json, "The detailed metrics as a download"
    ),
    ApiRoute(
        "GET",
        "/api/detailed-metrics/export/csv",
        metrics.export_csv,
        "The time series as a download",
        content_type="text/csv",
    ),
    ApiRoute(
        "GET",
        "/api/rate-limit/strategies",
        options.list_strategies,
        "The strategies of `limit`",
        option_lists.Strategies,
    ),
    ApiRoute(
        "POST", "/api/rate-limit/reset", settings.reset_limits, "Reset the quotas of all limits", base.Done
    ),
    ApiRoute(
        "POST",
        "/api/rate-limit/reset/{endpoint}",
        settings.reset_endpoint_limits,
        "Reset the quotas of the limits of one endpoint",
        base.Done,
    ),
    ApiRoute(
        "GET",
        "/api/failure-modes",
        options.list_failure_modes,
        "The values of `error` and `faults`",
        option_lists.FailureModes,
    ),
    ApiRoute(
        "GET",
        "/api/climates",
        options.list_climates,
        "The values of `climate`",
        option_lists.ClimateList,
        query=option_lists.ClimateQuery,
    ),
)


def find(routes: Sequence[ApiRoute], method: str, path: str) -> tuple[ApiRoute, dict[str, str]] | list[str]:
    """Return the route of a call and its parameters, or else the methods of the path."""
    segments = path.split("/")
    allowed = []
    for route in routes:
        params = route.match(segments)
        if params is None:
            continue
        if route.method == method or (method == "HEAD" and route.method == "GET"):
            return route, params
        allowed.append(route.method)
    return allowed
