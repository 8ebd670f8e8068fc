"""`firstmate doctor`: what Firstmate's users may and may not do on every server, and what would mend it."""
