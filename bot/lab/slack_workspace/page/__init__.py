"""The web page of the workspace, rendered on the server."""
