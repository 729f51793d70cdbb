"""What otactl does: deploy, rehearse, watch, report; without a terminal, for commands and Python.

Each operation takes its options as arguments, notifies its caller through a ``Frontend``, returns
its result and raises otactl's own errors. None of them prints or exits.
"""
