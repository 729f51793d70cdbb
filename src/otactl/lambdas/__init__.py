"""Lambda handlers of the monitoring stack. Import nothing that Lambda does not have."""
