"""The queue of job requests for CI: claims, leases, batches. Uses DynamoDB only by Protocols."""
