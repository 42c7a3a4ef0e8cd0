"""Seeded chaos: many operations, workers, bots and people, and a plan of what befalls them.

Everything is real: processes that are killed and stopped, a Redis that dies, connections that are
cut, delayed or lose a reply, deliveries that come twice. The seed gives the plan; it is a value,
and the same seed gives the same one. When it is over all is healed, people answer what is open,
every operation must end, and all that must hold is checked.

`python -m sandbox.chaos --seed 7 --minutes 5` plays one; `--print-plan` only shows it.
"""
