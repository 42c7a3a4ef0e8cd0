"""The rules of a drain, pure: which pods, in which pace, what an answer means, who holds a node.

Nothing in here does I/O, reads a clock or sleeps. Times are milliseconds since the epoch and are
passed in as `now`. :mod:`jobs.kubernetes` carries out what is decided here.

facts      what is known of pods, nodes and budgets, as read from the cluster
filters    what becomes of a pod: evicted, left, waited for, refused
fence      what to write on a node so that a stale worker can't undo or redo anything
answers    what an answer of the eviction API means
pacing     which pod to evict when: the state of one node's drain
workloads  which pods may leave without taking down a workload that has no budget
brake      whether the API server is well enough for more evictions
blocks     why a pod can't move, in words, and whether waiting can help
plan       what an operation would do, and the digest of what matters in it
"""
