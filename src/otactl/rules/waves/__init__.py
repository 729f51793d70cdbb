"""Waves and gates: which thing is in which wave, how it ended, and whether the next may begin.

All of it is pure. ``membership`` divides the things once, ``counting`` counts a wave by the list of
its executions, ``gate`` decides by these counts, the alarms, the time and people's decisions. AWS
IoT Jobs has nothing like it: a job's rate rises whether its things are well or not, and its abort
criteria count only what devices report (aws-facts B2, C).
"""
