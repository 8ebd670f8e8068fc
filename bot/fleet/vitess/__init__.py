"""Clusters of Vitess: their topology as an inventory, and the readers and changers of their shards."""
