"""What workflows do to the cluster: thin shells around the rules of :mod:`jobs.drain`.

Each function is an activity: level-triggered, may be interrupted at any time, simply starts over.
"""
