"""Who may act, in what order, and who hears of it."""
