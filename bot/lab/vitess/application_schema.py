"""The application's tables in the cluster, and their VSchema."""

from __future__ import annotations

import json

TABLES = (
    "CREATE TABLE customer (customer_id BIGINT NOT NULL PRIMARY KEY, email VARCHAR(128) NOT NULL,"
    " visits BIGINT NOT NULL DEFAULT 0, created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))",
    "CREATE TABLE orders (order_id BIGINT NOT NULL PRIMARY KEY, customer_id BIGINT NOT NULL,"
    " status VARCHAR(16) NOT NULL, total_cents INT NOT NULL,"
    " created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), KEY by_customer (customer_id))",
)
"""Orders are stored on the shard of their customer; the application assigns both ids itself."""

CUSTOMERS = 200


def vschema() -> str:
    """Returns the keyspace's VSchema as JSON: both tables are sharded by the hash of the customer."""
    by_customer = {"column_vindexes": [{"column": "customer_id", "name": "hash"}]}
    document = {
        "sharded": True,
        "vindexes": {"hash": {"type": "hash"}},
        "tables": {"customer": by_customer, "orders": by_customer},
    }
    return json.dumps(document)
