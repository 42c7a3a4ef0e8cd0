"""A kubeconfig for the simulated cluster.

kubectl sends no token over plain HTTP, so with tokens configured it is `system:anonymous` here; the
official Python client does send it.
"""

from pathlib import Path

import yaml

__all__ = ["write_kubeconfig"]


def write_kubeconfig(path: Path, url: str, *, name: str = "sandbox", token: str = "") -> Path:
    """Write a kubeconfig that only its owner can read, and return its path."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {"token": token} if token else {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path
