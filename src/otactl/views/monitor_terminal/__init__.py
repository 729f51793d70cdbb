"""The monitor on a terminal: what it shows, which keys it hears, and the loop that joins both."""
