"""Tests of scenarios: the examples that files hold, asked without a server."""
