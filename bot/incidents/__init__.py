"""Which alerts are one incident: its key, what an alert's arrival means, and which run or thread it joins. Pure."""
