"""What can be changed in a Vitess cluster."""
