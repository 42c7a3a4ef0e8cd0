"""Pictures of what people read, taken of the local Slack: to look at, and for docs/messages.md.

`python -m sandbox.screenshots` takes those of the documents anew; `--all DIRECTORY` takes every
message that has a golden file, for whoever has changed words. They are those files' own blocks.
"""
