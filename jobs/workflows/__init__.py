"""What drainbot does, in straight lines: an operation, the drain of a node, giving a node back.

Code in here runs again from its top after every suspension and crash. It may use nothing but its
context, its input and pure functions: no clock, no chance, no I/O (a check in CI holds that).
"""
