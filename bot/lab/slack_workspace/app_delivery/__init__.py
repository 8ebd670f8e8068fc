"""Delivery to the app over Socket Mode or signed HTTP: events, commands and interactions, and the app's replies."""
