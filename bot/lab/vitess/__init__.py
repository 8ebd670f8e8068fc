"""The Vitess lab: a cluster of two shards with three tablets each; its programs are built on first use."""
