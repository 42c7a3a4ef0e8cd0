"""The kill-anywhere certificate: each boundary of one story, and a death at each of them.

A boundary is a place where a process and the world are of two minds: right before a Redis command,
a Kubernetes request or a Slack call is sent, and right after its answer came. The boundaries are
found by intercepting the clients in an undisturbed run. Then the story is played once for each,
and the process dies there by SIGKILL; whoever is meant to start it again does so; the story must
come to its end all the same, and all that must hold is checked.

`python -m sandbox.certify` plays them all and writes `docs/certificate.md`.
"""
