"""The table of the control API: method, path, what it takes and gives, and who answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote

from msgspec import Struct
from pydantic import BaseModel

from mockllm.server.control.api_types import JSON, YAML
from mockllm.server.control.handlers import journal, metrics, options, sessions, settings, verdicts
from mockllm.server.control.models import metric_values, option_lists, resources, verdict_reports


class ApiRoute(Struct, frozen=True):
    """One call. `{name}` in its path is one segment. `raw`: its body is no model's, in these words."""

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
    """What else its answer may be, where the query asks for it."""

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """What stands in the path's places; None where it is another path."""
        own = self.path.split("/")
        if len(own) != len(segments):
            return None
        found = {}
        for wanted, segment in zip(own, segments, strict=True):
            if wanted.startswith("{"):
                if not segment:
                    return None
                found[wanted[1:-1]] = unquote(segment)
            elif wanted != segment:
                return None
        return found


M = resources
RULES: Final = "YAML or JSON: a scenario file's `rules` and `modifiers`, or one of them bare"
ROUTES: Final[tuple[ApiRoute, ...]] = (
    ApiRoute(
        "GET",
        "/api/requests",
        journal.list_requests,
        "The journal, in pages",
        M.RequestPage,
        query=M.RequestQuery,
    ),
    ApiRoute("DELETE", "/api/requests", journal.forget_requests, "Forget the journal", M.ForgottenCount),
    ApiRoute(
        "GET",
        "/api/requests/export",
        journal.export_requests,
        "The journal as JSON lines or HAR",
        query=M.ExportQuery,
        content_type="application/x-ndjson",
        or_type=JSON,
    ),
    ApiRoute("GET", "/api/requests/{id}", journal.show_request, "One request in full", M.RequestDetail),
    ApiRoute(
        "GET",
        "/api/requests/{id}/rule",
        options.suggest_rule,
        "A rule for requests like this one, to edit",
        option_lists.SuggestedRule,
    ),
    ApiRoute(
        "POST",
        "/api/verify",
        journal.verify,
        "Whether what is expected was asked",
        M.VerifyResult,
        M.VerifyBody,
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
        "What would answer a request, and why",
        raw='a request as `mockllm explain` takes it, or {"request_id": N} for one of the journal',
    ),
    ApiRoute("POST", "/api/reload", journal.reload, "Load the files anew, now", M.Reloaded),
    ApiRoute(
        "POST",
        "/api/reset",
        journal.reset,
        "Forget counts, sessions, journal, metrics, overlay",
        M.ResetDone,
        M.ResetBody,
    ),
    ApiRoute(
        "GET",
        "/api/rules",
        journal.list_rules,
        "All rules and modifiers, with counts and positions",
        M.RuleList,
    ),
    ApiRoute(
        "POST",
        "/api/rules",
        settings.add_rules,
        "Add rules and modifiers to the overlay, or a session's",
        M.OverlayDone,
        query=M.SessionQuery,
        raw=RULES,
    ),
    ApiRoute(
        "DELETE",
        "/api/rules",
        settings.delete_rules,
        "Empty the overlay, or a session's",
        M.OverlayDone,
        query=M.SessionQuery,
    ),
    ApiRoute(
        "PUT",
        "/api/rules/{name}",
        settings.put_rule,
        "Replace one of the overlay's, or add it",
        M.OverlayDone,
        query=M.SessionQuery,
        raw=RULES,
    ),
    ApiRoute(
        "DELETE",
        "/api/rules/{name}",
        settings.delete_rule,
        "Take one out of the overlay",
        M.OverlayDone,
        query=M.SessionQuery,
    ),
    ApiRoute(
        "GET", "/api/overlay", options.show_items, "The overlay, piece by piece", option_lists.OverlayItems
    ),
    ApiRoute(
        "GET",
        "/api/overlay.yaml",
        settings.show_overlay,
        "The overlay as a scenario file",
        query=M.SessionQuery,
        content_type=YAML,
    ),
    ApiRoute(
        "GET", "/api/sessions", sessions.list_sessions, "All sessions, the one used last first", M.SessionList
    ),
    ApiRoute(
        "DELETE",
        "/api/sessions/{session}",
        sessions.end_session,
        "End one: its counts, memory and overlay",
        M.Done,
    ),
    ApiRoute("GET", "/api/config", settings.show_config, "What was set at run time", M.Config),
    ApiRoute(
        "PATCH",
        "/api/config/global",
        settings.patch_global,
        "Set something for all endpoints",
        M.Config,
        M.SettingsPatch,
    ),
    ApiRoute(
        "GET",
        "/api/config/endpoints",
        settings.list_endpoints,
        "All endpoints, and what is set for each",
        M.EndpointList,
    ),
    ApiRoute(
        "PATCH",
        "/api/config/endpoints/{endpoint}",
        settings.patch_endpoint,
        "Set something for one endpoint",
        M.EndpointSettings,
        M.SettingsPatch,
    ),
    ApiRoute(
        "DELETE",
        "/api/config/endpoints/{endpoint}",
        settings.delete_endpoint,
        "Unset all of one endpoint",
        M.EndpointSettings,
    ),
    ApiRoute("POST", "/api/config/reset", settings.reset_config, "Unset everything", M.Config),
    ApiRoute("GET", "/api/metrics", metrics.show_metrics, "What was counted", metric_values.MetricsView),
    ApiRoute(
        "GET",
        "/api/metrics/latency/{endpoint}",
        metrics.show_latency,
        "Percentiles of one endpoint",
        metric_values.LatencyView,
    ),
    ApiRoute("POST", "/api/metrics/reset", metrics.reset_metrics, "Count from nothing", M.Done),
    ApiRoute(
        "GET",
        "/api/detailed-metrics",
        metrics.show_detailed,
        "By model, rule and status; second by second",
        metric_values.DetailedMetrics,
    ),
    ApiRoute("GET", "/api/detailed-metrics/export/json", metrics.export_json, "The same, to download"),
    ApiRoute(
        "GET",
        "/api/detailed-metrics/export/csv",
        metrics.export_csv,
        "The time series, to download",
        content_type="text/csv",
    ),
    ApiRoute(
        "GET", "/api/rate-limit/strategies", metrics.list_strategies, "What `limit` may be", M.Strategies
    ),
    ApiRoute(
        "POST", "/api/rate-limit/reset", settings.reset_limits, "Give back what was used of limits", M.Done
    ),
    ApiRoute(
        "POST",
        "/api/rate-limit/reset/{endpoint}",
        settings.reset_limits_of,
        "The same for one endpoint",
        M.Done,
    ),
    ApiRoute(
        "GET",
        "/api/failure-modes",
        options.list_failure_modes,
        "What `error` and `faults` may be",
        option_lists.FailureModes,
    ),
    ApiRoute(
        "GET",
        "/api/climates",
        options.list_climates,
        "What `climate` may be",
        option_lists.ClimateList,
        query=option_lists.ClimateQuery,
    ),
    ApiRoute("GET", "/api/openapi.json", journal.show_openapi, "This document"),
)


def find(method: str, path: str) -> tuple[ApiRoute, dict[str, str]] | list[str]:
    """The route of a call; else the methods that its path has."""
    segments = path.split("/")
    allowed = []
    for route in ROUTES:
        params = route.match(segments)
        if params is None:
            continue
        if route.method == method or (method == "HEAD" and route.method == "GET"):
            return route, params
        allowed.append(route.method)
    return allowed
