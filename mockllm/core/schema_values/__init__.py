"""Values generated from a JSON Schema: valid against it, realistic to a reader, equal for an equal seed.

A budget (core.budget) limits the work. The package knows schemas only, neither tools nor responses. `document`
normalizes schemas, `generator` walks them, and the other modules generate objects, arrays, texts and numbers.

A start needs `violations` alone, so nothing is imported here.
"""
