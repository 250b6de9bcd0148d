"""Values made from a JSON Schema: always valid against it, plausible to a reader, equal for an equal seed.
The work is bounded by a budget (core.budget).

Apart from everything else, because it knows schemas only: neither tools nor answers. `make` is the way in;
`reading` brings schemas into one form, `maker` walks them, the others make the leaves.
"""

from __future__ import annotations

from mockllm.core.schema_values.generator import GeneratedValue, generate

__all__ = ["GeneratedValue", "generate"]
