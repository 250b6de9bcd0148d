"""The models of scenario files, one module for each key or group of keys."""
