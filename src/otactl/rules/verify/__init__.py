"""Whether a thing runs the new version, by what it reports after its reboot."""
