"""Block Kit: the rules for blocks and elements, and the values that people choose."""
