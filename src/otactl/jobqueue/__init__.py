"""The queue of job requests for CI: claims, leases, batches. Knows DynamoDB only by Protocols."""
