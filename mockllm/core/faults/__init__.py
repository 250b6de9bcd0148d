"""Faults: ways of breaking an answer. Each is a model: its fields are its settings, `play` is what it does.

A family of faults is a file here; a fault is a class in it, registered under its public name. To add one,
write the class (and import a new family below): the language, its schema and the docs take it from FAULTS.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.faults import connection, http, meaning, stream
from mockllm.core.faults.base import FAULTS, Fault, NotApplicable, ReplyFault, ReplyFaultContext
from mockllm.core.faults.stream import Malformed

FAMILIES: Final = (connection, http, stream, meaning)
"""The vocabulary, family by family."""

__all__ = ["FAMILIES", "FAULTS", "Fault", "Malformed", "NotApplicable", "ReplyFault", "ReplyFaultContext"]
