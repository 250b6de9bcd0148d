"""The data of decisions: rules, guards and outcomes. `mockllm.state` decides, with its counters."""
