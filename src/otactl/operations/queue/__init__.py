"""The queue of deployments: requests added, claimed, fetched and deployed by workers."""
