"""Faults: deliberate errors in responses. Each fault is a model: its fields are its settings, one method applies it.

A module of `FAMILIES` is a family of faults; further modules have more faults of a family. A class is a fault,
registered under its public name and family. To add a fault, write the class (and import a new module below): the
language, its schema and the docs read FAULTS.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.faults import (
    connection,
    form,
    http,
    meaning,
    meaning_tool_calls,
    meaning_usage,
    stream,
    stream_flow,
    variation,
)
from mockllm.core.faults.base import FAULTS, Family, Fault, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.faults.form_events import FormFault
from mockllm.core.faults.stream import Malformed

FAMILIES: Final = (connection, http, stream, variation, form, meaning)
"""The families, in the order of the docs. The name of each module is that of its family."""
FURTHER_MODULES: Final = (stream_flow, meaning_tool_calls, meaning_usage)
"""The modules with more faults of a family."""

__all__ = [
    "FAMILIES",
    "FAULTS",
    "FURTHER_MODULES",
    "Family",
    "Fault",
    "FormFault",
    "Malformed",
    "NotApplicable",
    "ReplyFault",
    "ReplyFaultContext",
]
