"""The live page: a small web application on loopback, for one person with one address."""
