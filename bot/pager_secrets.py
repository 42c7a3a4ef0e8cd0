"""The secrets that pages are signed with: from the environment or a file, never from the policy."""

import os
from collections.abc import Mapping
from pathlib import Path

from jobs.errors import ConfigError
from jobs.policy import Policy

__all__ = ["SHORTEST", "pager_secrets"]

SHORTEST = 16
"""Characters of a secret at least; a shorter one could be guessed from one signed page."""


def pager_secrets(policy: Policy, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the secret of each pager by its address.

    `secret_env: NAME` means the variable NAME, or the file that NAME_FILE names. Raises
    :class:`ConfigError` that names every variable that is missing or holds too little.
    """
    secrets, wrong = {}, []
    for pager in policy.pagers:
        try:
            secrets[pager.url] = _secret(pager.secret_env, environ)
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("; ".join(dict.fromkeys(wrong)))
    return secrets


def _secret(name: str, environ: Mapping[str, str]) -> str:
    secret, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "")
    if not secret and file:
        try:
            secret = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{name}_FILE names {file}, which can't be read ({type(error).__name__})"
            ) from error
    if not secret:
        raise ConfigError(
            f"{name} is not set: the policy signs pages with it (or set {name}_FILE to a file)"
        )
    if len(secret) < SHORTEST:
        raise ConfigError(f"{name} is too short: use at least {SHORTEST} random characters")
    return secret
