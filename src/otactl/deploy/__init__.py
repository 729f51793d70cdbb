"""A deployment: what is created, in which order, how it is undone. Uses AWS only by Protocols."""
