"""Faults: deliberate errors in responses. Each fault is a model: its fields are its settings, one method applies it.

A module is a family of faults. A class in it is a fault, registered under its public name. To add a fault, write the
class (and import a new family below): the language, its schema and the docs read FAULTS.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.faults import connection, form, http, meaning, stream, variation
from mockllm.core.faults.base import FAULTS, Fault, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.faults.form_events import FormFault
from mockllm.core.faults.stream import Malformed

FAMILIES: Final = (connection, http, stream, variation, form, meaning)
"""The families, in the order of the docs."""

__all__ = [
    "FAMILIES",
    "FAULTS",
    "Fault",
    "FormFault",
    "Malformed",
    "NotApplicable",
    "ReplyFault",
    "ReplyFaultContext",
]
