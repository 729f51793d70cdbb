"""The command line, one file per command or group; the composition root of otactl."""
