"""Jobs that are watched: which ones, where they are, and the thread that polls them."""
