"""Finds a rollout and an abort criterion that meet a goal: a time and a limit of bricked things."""
