"""The tests of a `match`, the index of rules by what their tests need, and the hints for tests that fail."""
