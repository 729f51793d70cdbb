"""``otactl queue``: deployments that wait for a worker, in a DynamoDB table, one file a command."""
