"""The inventory, and the readers and changers of the fleet. No other package opens connections to servers."""
