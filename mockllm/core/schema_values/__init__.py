"""Values generated from a JSON Schema: valid against it, realistic to a reader, equal for an equal seed.

A budget (core.budget) limits the work. The package knows schemas only, neither tools nor responses. `document`
normalizes schemas, `generator` walks them, and the other modules generate objects, arrays, texts and numbers.
"""

from __future__ import annotations

from mockllm.core.schema_values.conversation import ConversationTexts
from mockllm.core.schema_values.generator import GeneratedValue, generate
from mockllm.core.schema_values.instructed_schema import instructed_schema

__all__ = ["ConversationTexts", "GeneratedValue", "generate", "instructed_schema"]
