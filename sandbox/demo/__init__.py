"""The demo: the real bot and a real worker against stand-ins for Redis' host, Kubernetes and Slack.

`python -m sandbox.demo` is for the eyes; with `--script` it plays a story by itself and checks it.
"""
