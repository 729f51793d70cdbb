"""The rollback of a deployment."""
