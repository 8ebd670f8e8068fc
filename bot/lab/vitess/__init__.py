"""A Vitess cluster as a lab: two shards of three tablets each, built from source on first use."""
