"""A rehearsal: exactly the deployment of the file, with a local cloud and a virtual fleet."""
