"""The faults that scenarios are composed of: each one knows its root, what mends it, and who its victims are."""
