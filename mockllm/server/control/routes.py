"""The table of the control API: method, path, what it takes and gives, and who answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote

from msgspec import Struct
from pydantic import BaseModel

from mockllm.server.control import (
    changing,
    counted,
    handlers,
    judged,
    judging,
    measuring,
    models,
    offered,
    offering,
    sessions,
)
from mockllm.server.control.calls import JSON, YAML


class Route(Struct, frozen=True):
    """One call. `{name}` in its path is one segment. `raw`: its body is no model's, in these words."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    summary: str
    gives: type[BaseModel] | None = None
    takes: type[BaseModel] | None = None
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


M = models
RULES: Final = "YAML or JSON: a scenario file's `rules` and `modifiers`, or one of them bare"
ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", "/api/requests", handlers.list_requests, "The journal, in pages", M.RequestPage,
          query=M.RequestQuery),
    Route("DELETE", "/api/requests", handlers.forget_requests, "Forget the journal", M.Forgotten),
    Route("GET", "/api/requests/export", handlers.export_requests, "The journal as JSON lines or HAR",
          query=M.ExportQuery, content_type="application/x-ndjson", or_type=JSON),
    Route("GET", "/api/requests/{id}", handlers.show_request, "One request in full", M.RequestDetail),
    Route("GET", "/api/requests/{id}/rule", offering.suggest_rule, "A rule for requests like this one, to edit",
          offered.SuggestedRule),
    Route("POST", "/api/verify", handlers.verify, "Whether what is expected was asked", M.Verified, M.VerifyBody),
    Route("GET", "/api/verdicts", judging.show_verdicts, "How clients behave", judged.Verdicts,
          query=judged.VerdictQuery, or_type="application/xml"),
    Route("POST", "/api/explain", handlers.explain, "What would answer a request, and why",
          raw="a request as `mockllm explain` takes it, or {\"request_id\": N} for one of the journal"),
    Route("POST", "/api/reload", handlers.reload, "Load the files anew, now", M.Reloaded),
    Route("POST", "/api/reset", handlers.reset, "Forget counts, sessions, journal, metrics, overlay",
          M.ResetDone, M.ResetBody),
    Route("GET", "/api/rules", handlers.list_rules, "All rules and modifiers, with counts and positions",
          M.RuleList),
    Route("POST", "/api/rules", changing.add_rules, "Add rules and modifiers to the overlay, or a session's",
          M.OverlayDone, query=M.SessionQuery, raw=RULES),
    Route("DELETE", "/api/rules", changing.delete_rules, "Empty the overlay, or a session's", M.OverlayDone,
          query=M.SessionQuery),
    Route("PUT", "/api/rules/{name}", changing.put_rule, "Replace one of the overlay's, or add it",
          M.OverlayDone, query=M.SessionQuery, raw=RULES),
    Route("DELETE", "/api/rules/{name}", changing.delete_rule, "Take one out of the overlay", M.OverlayDone,
          query=M.SessionQuery),
    Route("GET", "/api/overlay", offering.show_items, "The overlay, piece by piece", offered.OverlayItems),
    Route("GET", "/api/overlay.yaml", changing.show_overlay, "The overlay as a scenario file",
          query=M.SessionQuery, content_type=YAML),
    Route("GET", "/api/sessions", sessions.list_sessions, "All sessions, the one used last first", M.SessionList),
    Route("DELETE", "/api/sessions/{session}", sessions.end_session, "End one: its counts, memory and overlay",
          M.Done),
    Route("GET", "/api/config", changing.show_config, "What was set at run time", M.Config),
    Route("PATCH", "/api/config/global", changing.patch_global, "Set something for all endpoints", M.Config,
          M.SettingsPatch),
    Route("GET", "/api/config/endpoints", changing.list_endpoints, "All endpoints, and what is set for each",
          M.EndpointList),
    Route("PATCH", "/api/config/endpoints/{endpoint}", changing.patch_endpoint, "Set something for one endpoint",
          M.EndpointSettings, M.SettingsPatch),
    Route("DELETE", "/api/config/endpoints/{endpoint}", changing.delete_endpoint, "Unset all of one endpoint",
          M.EndpointSettings),
    Route("POST", "/api/config/reset", changing.reset_config, "Unset everything", M.Config),
    Route("GET", "/api/metrics", measuring.show_metrics, "What was counted", counted.MetricsView),
    Route("GET", "/api/metrics/latency/{endpoint}", measuring.show_latency, "Percentiles of one endpoint",
          counted.LatencyView),
    Route("POST", "/api/metrics/reset", measuring.reset_metrics, "Count from nothing", M.Done),
    Route("GET", "/api/detailed-metrics", measuring.show_detailed, "By model, rule and status; second by second",
          counted.DetailedMetrics),
    Route("GET", "/api/detailed-metrics/export/json", measuring.export_json, "The same, to download"),
    Route("GET", "/api/detailed-metrics/export/csv", measuring.export_csv, "The time series, to download",
          content_type="text/csv"),
    Route("GET", "/api/rate-limit/strategies", measuring.list_strategies, "What `limit` may be", M.Strategies),
    Route("POST", "/api/rate-limit/reset", changing.reset_limits, "Give back what was used of limits", M.Done),
    Route("POST", "/api/rate-limit/reset/{endpoint}", changing.reset_limits_of, "The same for one endpoint",
          M.Done),
    Route("GET", "/api/failure-modes", offering.list_failure_modes, "What `error` and `faults` may be",
          offered.FailureModes),
    Route("GET", "/api/climates", offering.list_climates, "What `climate` may be", offered.ClimateList,
          query=offered.ClimateQuery),
    Route("GET", "/api/openapi.json", handlers.show_openapi, "This document"),
)  # fmt: skip


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | list[str]:
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
