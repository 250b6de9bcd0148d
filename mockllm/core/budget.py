"""The limit on the work of generating values for a client: from its schemas, vectors of its texts, and its echoed
prompts.

Separate from `core.schema_values`, which is imported only when a value is generated.
"""

from __future__ import annotations

from math import inf
from typing import Final

DEFAULT_VALUES: Final = 10_000
"""The default for the maximum number of values."""
CHARACTERS_PER_VALUE: Final = 100
"""The number of characters that are allowed for each allowed value."""
BYTES_PER_VALUE: Final = 10
"""The number of bytes that the JSON of a schema may have for each allowed value. At least the default number of
values counts."""
PATTERNS_PER_VALUE: Final = 2
"""The number of characters of patterns in a schema, in the same way."""
STEPS_PER_VALUE: Final = 3
"""The number of evaluations of subschemas to validate values, in the same way. To count one takes 3 to 5 µs."""
COMPONENTS_PER_VALUE: Final = 1_000
"""The number of components of vectors that are allowed for each allowed value. By default this is more than
2,048 vectors of 3,072 components have, the most that OpenAI accepts."""
WORK_OF_LOGPROBS: Final = 10
"""How often each character of an echoed prompt counts whose tokens have probabilities."""
QUICK_VALUES: Final = 300
"""The number of values that are generated while other requests wait. To generate one takes up to 0.1 ms."""
QUICK_RETRIES: Final = 10
"""The number of values that are generated again in the same time, because they were invalid."""
LONG_SCHEMA: Final = 8_192
"""Bytes of a schema. Generating a value from a longer one may take more than about 30 ms."""
LONG_REQUEST: Final = 192 * 1024
"""Bytes of the body of a generating call. Others read and write what is stored at once: they are not deferred."""
OPTION: Final = "--max-generated-values"


class PlanningTooLong(Exception):
    """Planning the response would delay other requests: a thread plans it from the beginning."""


class BudgetExceeded(Exception):
    """The value takes more work than allowed. The message names the limit, and how to raise it."""


def check_vector_size(count: int, values: int = DEFAULT_VALUES) -> None:
    """Raise BudgetExceeded where the vectors of a response have more components than allowed."""
    max_count = values * COMPONENTS_PER_VALUE
    if count > max_count:
        raise BudgetExceeded(
            f"The vectors for the request have more than {max_count:,} components ({COMPONENTS_PER_VALUE:,} for each "
            f"of {values:,} values). Raise this limit with the server's option {OPTION}."
        )


def check_echo_size(characters: int, values: int = DEFAULT_VALUES) -> None:
    """Raise BudgetExceeded where a response echoes more characters of prompts than allowed."""
    max_count = values * CHARACTERS_PER_VALUE
    if characters > max_count:
        raise BudgetExceeded(
            f"The response would echo more than {max_count:,} characters of prompts, with each character counted "
            f"{WORK_OF_LOGPROBS} times where `logprobs` is set ({CHARACTERS_PER_VALUE} for each of {values:,} "
            f"values). Raise this limit with the server's option {OPTION}."
        )


class Budget:
    """Counts values, and the characters that are generated or read for them. All work whose size depends on the
    schema counts as characters: a list that is searched costs its length, a pattern its number of states. With
    `deferrable`, work that takes long raises PlanningTooLong."""

    def __init__(
        self, values: int = DEFAULT_VALUES, subject: str = "a value", *, deferrable: bool = False
    ) -> None:
        self.values = 0
        self.characters = 0
        self.matching = 0
        """The characters that were spent on matching patterns."""
        self.steps = 0
        """The evaluations of subschemas that validations took."""
        self._max_values = values
        self._max_characters = values * CHARACTERS_PER_VALUE
        self._values_at_once = min(values, QUICK_VALUES) if deferrable else values
        self._characters_at_once = self._values_at_once * CHARACTERS_PER_VALUE
        self._retries_at_once = QUICK_RETRIES if deferrable else inf
        self._schema_at_once = LONG_SCHEMA if deferrable else inf
        self._subject = subject

    def add_value(self) -> None:
        """Count a value. Raise BudgetExceeded where that is one too many."""
        if self.values >= self._values_at_once:
            self.require_values(1)
        self.values += 1

    def require_retries(self, count: int) -> None:
        """Raise PlanningTooLong where `count` values that are generated again take long."""
        if count > self._retries_at_once:
            raise PlanningTooLong

    def has_room(self, values: float, characters: float) -> bool:
        """Return whether these more values, with these characters in total, are allowed."""
        return (
            self.values + values <= self._max_values and self.characters + characters <= self._max_characters
        )

    def require_values(self, count: float) -> None:
        """Raise BudgetExceeded where `count` more values are not allowed."""
        if self.values + count > self._max_values:
            raise self._exceeded(f"{self._max_values:,} values", "")
        if self.values + count > self._values_at_once:
            raise PlanningTooLong

    def add_characters(self, count: int) -> None:
        """Count characters. Raise BudgetExceeded where they are too many."""
        if self.characters + count > self._characters_at_once:
            self.require_characters(count)
        self.characters += count

    def require_characters(self, count: float) -> None:
        """Raise BudgetExceeded where `count` more characters are not allowed."""
        if self.characters + count > self._max_characters:
            why = f" ({CHARACTERS_PER_VALUE} for each of {self._max_values:,} values)"
            raise self._exceeded(f"{self._max_characters:,} characters of text and schema", why)
        if self.characters + count > self._characters_at_once:
            raise PlanningTooLong

    def require_schema(self, size: int, *, is_deep: bool = False) -> None:
        """Raise BudgetExceeded where a schema of so many bytes, from which a value is generated, is not allowed.
        Raise PlanningTooLong where generating takes long. `is_deep`: it nests deeper than can be written."""
        self._require_read(size, BYTES_PER_VALUE, "bytes of schema")
        if (inf if is_deep else size) > self._schema_at_once:
            raise PlanningTooLong

    def require_patterns(self, characters: int) -> None:
        """Raise BudgetExceeded where a schema may not have so many characters of patterns."""
        self._require_read(characters, PATTERNS_PER_VALUE, "characters of patterns")

    @property
    def steps_left(self) -> int:
        """The evaluations of subschemas that are still allowed."""
        return self._read_values * STEPS_PER_VALUE - self.steps

    def add_steps(self, count: int) -> None:
        """Count evaluations of subschemas. Raise BudgetExceeded where they are too many."""
        self.steps += count
        self._require_read(self.steps, STEPS_PER_VALUE, "evaluations of subschemas to validate it")

    @property
    def _read_values(self) -> int:
        # a small number of values does not mean small schemas
        return max(self._max_values, DEFAULT_VALUES)

    def _require_read(self, size: int, per_value: int, unit: str) -> None:
        values = self._read_values
        if size > values * per_value:
            raise self._exceeded(
                f"{values * per_value:,} {unit}", f" ({per_value} for each of {values:,} values)"
            )

    def add_matching(self, count: int) -> None:
        """Count the work of matching a pattern as characters."""
        self.matching += count
        self.add_characters(count)

    def _exceeded(self, limit: str, why: str) -> BudgetExceeded:
        return BudgetExceeded(
            f"Generating {self._subject} from the schema in the request takes more than {limit}{why}. "
            f"Raise this limit with the server's option {OPTION}."
        )
