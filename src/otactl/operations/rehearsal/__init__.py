"""A rehearsal: the local cloud, a fleet, and between them exactly the deployment of the file."""
