"""The rules of IoT Jobs: states, rollout, abort, timeout, retry. Pure; time is an argument."""
