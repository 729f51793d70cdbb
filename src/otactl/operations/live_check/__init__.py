"""``otactl doctor --live``: a small deployment in an account, and what it shows about AWS."""
