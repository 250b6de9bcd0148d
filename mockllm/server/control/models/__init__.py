"""The bodies of the control API's requests and responses."""
