"""The names that the templates of a rule or a modifier may read."""

from __future__ import annotations

from mockllm.core.matching.matchers import captures, matched_result
from mockllm.core.request.request import Request
from mockllm.core.templates.template import TemplateScope
from mockllm.scenario.catalog import CatalogItem


def template_scope(item: CatalogItem, request: Request) -> TemplateScope:
    """Return the names of a request for an item: its parameters, and what its match captured."""
    if not item.captures:
        return TemplateScope(request, item.params)
    matcher = item.matcher
    return TemplateScope(request, item.params, captures(matcher, request), matched_result(matcher, request))
