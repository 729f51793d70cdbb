"""Values: names, ARNs, job configuration, firmware, snapshots. Frozen, typed, validated; no I/O."""
