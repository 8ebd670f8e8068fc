"""Which runbook answers an alert, which alerts none answers, and which two answer equally well. Pure."""
