"""The domain of drainbot: nodes leave service and come back, safely.

What a person may want of it from outside is in :mod:`jobs.client`, :mod:`jobs.models` and
:mod:`jobs.policy`; everything else is how it is done.
"""
