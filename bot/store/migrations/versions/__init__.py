"""One file per step, in order; a step is never edited once it was released."""
