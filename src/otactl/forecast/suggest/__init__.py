"""Which rollout and which abort criterion keep a wish: so quick, and no more bricked than that."""
