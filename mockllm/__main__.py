"""`mockllm` and `python -m mockllm`."""

import sys


def main() -> None:
    """Run a command and exit, as `mockllm.cli.main` does. Ctrl-C during its imports leaves no traceback, either."""
    try:
        from mockllm.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
