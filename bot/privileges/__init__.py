"""Database privileges: those of an account, those that the actions need, and the statements that correct an account."""
