"""The commands, one module for each; see `main.COMMANDS`."""
