"""`firstmate doctor`: checks servers, services and the privileges of Firstmate's users, and says how to fix them."""
