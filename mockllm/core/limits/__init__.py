"""Rate limits: how much a key may use in which time, by several strategies.

`RateLimiter` counts the usage of one limit by one key (an API key, a session …). All arithmetic uses whole
microseconds. The time is an argument, `scenario_time`, and a reported wait always suffices.
"""
