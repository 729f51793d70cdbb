"""The command line: one file per command group; the composition root builds everything here."""
