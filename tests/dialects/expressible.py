"""What is left of a neutral request in a protocol that lacks some of its fields: the shared tests expect that."""

from __future__ import annotations

from msgspec.structs import replace

from mockllm.dialects.dialect import ProtocolCapabilities
from mockllm.dialects.neutral_request import NeutralRequest


def expressible(wanted: NeutralRequest, stated: ProtocolCapabilities) -> NeutralRequest:
    """The request without the system text, the schema and the descriptions that the protocol lacks."""
    if not stated.system_text:
        wanted = replace(wanted, system=None)
    if not stated.response_schema and wanted.response_format and wanted.response_format.kind == "schema":
        wanted = replace(wanted, response_format=None)
    if not stated.tool_descriptions:
        wanted = replace(wanted, tools=tuple(replace(tool, description=None) for tool in wanted.tools))
    return wanted
