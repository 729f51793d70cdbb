"""What a rollout will do, computed from the same rules. No cloud."""
