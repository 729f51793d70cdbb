"""A deployment: what is created, in which order, how it is undone. AWS only by Protocols."""
