"""The scenario language: loading with positions, packs, and compiling into a catalog."""
