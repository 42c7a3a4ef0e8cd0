"""Whether a worker takes work: one word that all its processes share.

Made before the fork. One process decides, the slots look: while it is shut they begin nothing new
and give back what runs, as on SIGTERM, but stay. Nothing is sent, so there is nothing to lose: a
process that was started again finds it as it was left.
"""

import mmap


class Intake:
    """Open until somebody shuts it; shared with every process that is forked later."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)  # anonymous and shared: parent and children see one byte

    @property
    def shut(self) -> bool:
        """Whether nothing is to be begun, and what runs is to be handed over."""
        return self._shared[0] != 0

    def set(self, *, shut: bool) -> None:
        """Shut it or open it; seen by all processes at once."""
        self._shared[0] = int(shut)
