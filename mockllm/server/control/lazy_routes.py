"""The routes of the control API, whose modules are imported after the start: most starts need none of them."""

from __future__ import annotations


class LazyRoutes:
    """The base of the control APIs of a server and of a worker process."""

    def __init__(self) -> None:
        self.loaded = False

    def load(self) -> None:
        """Import the modules of all calls."""
        import mockllm.server.control.routes  # noqa: F401 - for the calls that follow

        self.loaded = True

    def knows(self, path: str) -> bool:
        """Return whether a path belongs to this API: all outside of `/api` do."""
        from mockllm.server.control.routes import is_known

        return is_known(path)
