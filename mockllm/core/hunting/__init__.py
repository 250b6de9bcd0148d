"""The search for the failure that breaks a client, without I/O: what to try, how to judge it, how to shrink it.

`disturbance` is one thing that a server does to a client. `disturbance_types` is the table of these things and of
what a good client does. `judgement` reads the outcome of a run, `search` chooses the next run, `shrinking` reduces a
schedule that fails, `scenario_text` writes it as a scenario. `mockllm.hunting` runs the clients.
"""
