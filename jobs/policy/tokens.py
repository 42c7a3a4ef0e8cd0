"""Whose a token is. The policy holds hashes only; a token itself is never stored or logged."""

import hashlib
import hmac

from jobs.models import Principal
from jobs.models.people import Via
from jobs.policy.model import Policy

__all__ = ["principal_for_token"]


def principal_for_token(token: str, policy: Policy, *, via: Via = "cli") -> Principal | None:
    """Return the person that a token names, narrowed to its scopes; None for an unknown token.

    Their user groups are not known yet, so none grants anything until the caller fills them in.
    Every hash is compared, each in constant time: how long it takes tells nothing of the tokens.
    """
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    found = None
    for known in policy.tokens:
        if hmac.compare_digest(known.sha256, digest):
            found = known
    if found is None or not token:
        return None
    return Principal(
        team=policy.team,
        user=found.user,
        via=via,
        groups_known=False,
        scopes=frozenset(found.scopes),
    )
