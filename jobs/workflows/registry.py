"""All workflows of a worker, by the names that are stored with what they run."""

from jobs.durable import Registry
from jobs.workflows.give_back import give_back
from jobs.workflows.life import node_life
from jobs.workflows.node import drain_node
from jobs.workflows.operation import run_operation
from jobs.workflows.orphans import orphans


def registry() -> Registry:
    """Return the registry that every slot of a worker uses."""
    workflows = Registry()
    workflows.workflow("operation")(run_operation)
    workflows.workflow("drain_node")(drain_node)
    workflows.workflow("give_back")(give_back)
    workflows.workflow("node_life")(node_life)
    workflows.workflow("orphans")(orphans)
    return workflows
