"""Several processes that serve on one port, and the supervisor that starts them and has the control API."""
