"""The monitor on a terminal: what it shows, its keys, and the loop that joins both."""
