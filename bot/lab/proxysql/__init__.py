"""A stand-in for the admin interface of ProxySQL, for want of the real one: it proxies nothing.

It keeps the tables that Firstmate reads and changes in SQLite, as ProxySQL does, and follows what ProxySQL's source and
documentation say of its users, its commands and its errors. It was never held against a real ProxySQL. It needs
mysql-mimic, which is among the libraries for development.
"""
