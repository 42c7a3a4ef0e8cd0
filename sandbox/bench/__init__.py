"""`make bench`: what drainbot's users feel, in figures; one JSON object a line.

Real processes, a real Redis with `appendfsync always`, a cluster and Slack over real HTTP. Never a
test: a figure says how fast this machine was, not whether the code is right.
"""
