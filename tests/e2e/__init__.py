"""The whole program against the lab's real servers and the local workspace."""
