"""People's side of drainbot: Slack, the command line, and what they are shown.

Holds Slack's tokens and no rights in any cluster: it asks, decides and renders through
:class:`jobs.client.Client`.
"""
