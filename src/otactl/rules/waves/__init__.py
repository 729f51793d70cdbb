"""Waves and gates: who is in which wave, what became of it, and whether the next may begin.

All of it is pure. ``membership`` deals the things once, ``counting`` tells what became of a wave
from the list of its executions, ``gate`` makes a verdict of that, the alarms, the time and what
people decided. There is nothing like it in AWS IoT Jobs: a job's rate rises whether its things are
well or not, and its abort criteria count only what devices report (aws-facts B2, C).
"""
