"""Database privileges: what an account holds, what the actions need on a server, and what would bring them together."""
