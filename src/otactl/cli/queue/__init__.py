"""``otactl queue``: deployments in a DynamoDB table, run by workers; one file per command."""
