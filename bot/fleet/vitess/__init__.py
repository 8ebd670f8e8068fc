"""Vitess clusters: their topology as an inventory, and the readers and changers of their shards."""
