"""Taking a deployment back."""
