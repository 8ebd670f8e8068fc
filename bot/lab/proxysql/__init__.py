"""A stand-in for ProxySQL's admin interface. It has no proxy function.

Like ProxySQL it keeps the tables that Firstmate reads and changes in SQLite. Its users, commands and errors follow
ProxySQL's source and documentation; it has not been compared with a running ProxySQL. It needs mysql-mimic, which is
part of the extra `lab`.
"""
