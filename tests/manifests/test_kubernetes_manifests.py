"""The Kubernetes manifests: what they grant, what they keep shut, and that they build."""

import os
import re
import shutil
import subprocess
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis, SSLConnection

from bot.settings import BotSettings, WorkerSettings, all_fields
from jobs.drain.facts import Pod
from jobs.drain.own import BOT, REDIS, WORKER, component
from jobs.guardrails import load_guardrails
from jobs.kubernetes.rights import RIGHTS
from jobs.policy import load_policy
from tests.manifests.conftest import BASE, MANIFESTS, ROOT, all_objects, the

WORKLOADS = [
    ("Deployment", "drainbot-bot"),
    ("Deployment", "drainbot-worker"),
    ("StatefulSet", "drainbot-redis"),
]
PROCESSES = [("drainbot-bot", BotSettings), ("drainbot-worker", WorkerSettings)]


def pod_of(kind: str, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = the(kind, name)["spec"]["template"]["spec"]
    return spec


def containers_of(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def environment_of(deployment: str) -> dict[str, dict[str, Any]]:
    container = pod_of("Deployment", deployment)["containers"][0]
    return {entry["name"]: entry for entry in container["env"]}


def secrets_of(pod: dict[str, Any]) -> set[str]:
    """The secrets that a pod reads, each as `name/key`."""
    refs = [
        entry["valueFrom"]["secretKeyRef"]
        for container in containers_of(pod)
        for entry in container.get("env", [])
        if "secretKeyRef" in entry.get("valueFrom", {})
    ]
    return {f"{ref['name']}/{ref['key']}" for ref in refs}


def build(folder: Path) -> list[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("there is no kubectl on this machine, which builds kustomizations")
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


# -- rights ----------------------------------------------------------------------------------


def test_the_worker_has_exactly_the_rights_that_its_code_uses() -> None:
    granted: list[tuple[str, str, str]] = []
    for rule in the("ClusterRole", "drainbot-worker")["rules"]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}
        granted += product(rule["verbs"], rule["apiGroups"], rule["resources"])
    assert len(granted) == len(set(granted))
    assert set(granted) == {(right.verb, right.group, right.resource) for right in RIGHTS}


def test_only_the_worker_is_bound_to_rights() -> None:
    bindings = [o for o in all_objects() if o["kind"].endswith("Binding")]
    assert [binding["metadata"]["name"] for binding in bindings] == ["drainbot-worker"]
    assert bindings[0]["roleRef"]["name"] == "drainbot-worker"
    assert [subject["name"] for subject in bindings[0]["subjects"]] == ["drainbot-worker"]
    assert not [o for o in all_objects() if o["kind"] == "Role"]


def test_only_the_worker_gets_a_token_of_the_cluster() -> None:
    tokens = {name: pod_of(kind, name)["automountServiceAccountToken"] for kind, name in WORKLOADS}
    assert tokens == {"drainbot-bot": False, "drainbot-worker": True, "drainbot-redis": False}
    for _, name in WORKLOADS:
        assert the("ServiceAccount", name)["automountServiceAccountToken"] is False


# -- secrets and settings --------------------------------------------------------------------


def test_each_process_gets_its_own_secrets_only() -> None:
    assert secrets_of(pod_of("Deployment", "drainbot-bot")) == {
        "drainbot-redis/bot-password", "drainbot-slack/bot-token", "drainbot-slack/app-token",
    }  # fmt: skip
    assert secrets_of(pod_of("Deployment", "drainbot-worker")) == {"drainbot-redis/worker-password"}
    assert not [o for o in all_objects() if o["kind"] == "Secret"]


@pytest.mark.parametrize(("deployment", "settings"), PROCESSES)
def test_each_variable_is_a_setting_of_the_process_that_gets_it(
    deployment: str, settings: type[BotSettings | WorkerSettings]
) -> None:
    known = dict(all_fields(settings))
    given = environment_of(deployment)
    assert set(given) - {"REDIS_PASSWORD"} <= set(known)
    required = {name for name, field in known.items() if field.is_required()}
    assert required <= set(given)
    assert given["DRAINBOT_REDIS_URL"]["value"].startswith(f"redis://{deployment}:$(")


def test_the_passwords_are_put_in_before_they_are_used() -> None:
    for deployment, _ in PROCESSES:
        names = list(environment_of(deployment))
        assert names.index("REDIS_PASSWORD") < names.index("DRAINBOT_REDIS_URL")


def test_a_worker_knows_its_node_and_its_limits() -> None:
    given = environment_of("drainbot-worker")
    assert given["DRAINBOT_NODE_NAME"]["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"
    mounts = pod_of("Deployment", "drainbot-worker")["containers"][0]["volumeMounts"]
    folders = {mount["mountPath"] for mount in mounts if mount.get("readOnly")}
    for name in ("DRAINBOT_POLICY", "DRAINBOT_GUARDRAILS"):
        assert str(Path(given[name]["value"]).parent) in folders


# -- hardening -------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), WORKLOADS)
def test_every_container_is_locked_down(kind: str, name: str) -> None:
    pod = pod_of(kind, name)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers_of(pod):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize(("kind", "name"), WORKLOADS)
def test_every_pod_may_end_in_order(kind: str, name: str) -> None:
    assert pod_of(kind, name)["terminationGracePeriodSeconds"] >= 15


@pytest.mark.parametrize(("deployment", "settings"), PROCESSES)
def test_a_process_is_probed_where_it_answers_and_only_if_it_does(
    deployment: str, settings: type[BotSettings | WorkerSettings]
) -> None:
    container = pod_of("Deployment", deployment)["containers"][0]
    probes = {key: probe["httpGet"] for key, probe in container.items() if key.endswith("Probe")}
    if "DRAINBOT_PROBE_LISTEN" not in dict(all_fields(settings)):
        assert not probes
        return
    assert probes == {
        "startupProbe": {"path": "/healthz", "port": "probes"},
        "livenessProbe": {"path": "/healthz", "port": "probes"},
        "readinessProbe": {"path": "/readyz", "port": "probes"},
    }
    listen = environment_of(deployment)["DRAINBOT_PROBE_LISTEN"]["value"]
    port = int(listen.rpartition(":")[2])
    assert {"name": "probes", "containerPort": port} in container["ports"]


def test_redis_is_probed_without_a_password() -> None:
    container = pod_of("StatefulSet", "drainbot-redis")["containers"][0]
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[name]["tcpSocket"] == {"port": container["ports"][0]["name"]}


def test_two_workers_run_on_different_nodes_and_one_may_always_go() -> None:
    deployment = the("Deployment", "drainbot-worker")["spec"]
    assert deployment["replicas"] == 2
    spread = deployment["template"]["spec"]["topologySpreadConstraints"][0]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"] == deployment["selector"]
    for name in ("drainbot-bot", "drainbot-worker"):
        budget = the("PodDisruptionBudget", name)["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["selector"] == the("Deployment", name)["spec"]["selector"]


# -- network ---------------------------------------------------------------------------------


def test_nothing_may_talk_unless_it_is_named() -> None:
    deny = the("NetworkPolicy", "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_bot_and_worker_come_near_redis() -> None:
    policy = the("NetworkPolicy", "redis")["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "redis"
    rule = policy["ingress"][0]
    assert len(policy["ingress"]) == len(rule["from"]) == 1
    who = {e["key"]: e["values"] for e in rule["from"][0]["podSelector"]["matchExpressions"]}
    assert sorted(who["app.kubernetes.io/component"]) == ["bot", "worker"]
    assert rule["ports"] == [{"port": 6379}]
    assert "namespaceSelector" not in rule["from"][0]


def test_the_bot_reaches_slack_but_no_private_address() -> None:
    outside = [rule for rule in the("NetworkPolicy", "bot")["spec"]["egress"] if _blocks(rule)]
    assert [rule["ports"] for rule in outside] == [[{"port": 443}]]
    for block in _blocks(outside[0]):
        assert block["except"]
    excluded = {net for block in _blocks(outside[0]) for net in block["except"]}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} <= excluded


def _blocks(rule: dict[str, Any]) -> list[dict[str, Any]]:
    return [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]


# -- the whole -------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["base", "examples"])
def test_kubectl_builds_it(folder: str) -> None:
    built = build(MANIFESTS / folder)
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    for found in built:
        if found["kind"] not in cluster_wide:
            assert found["metadata"]["namespace"] == "drainbot", found["metadata"]["name"]
    assert len([o for o in built if o["kind"] == "Deployment"]) == 2


@pytest.mark.parametrize(("kind", "name"), WORKLOADS)
def test_a_drain_knows_our_own_pods_by_their_labels(kind: str, name: str) -> None:
    labels = the(kind, name)["spec"]["template"]["metadata"]["labels"]
    pod = Pod(namespace="drainbot", name=name, uid="u", labels=labels)
    assert component(pod) == name.removeprefix("drainbot-")
    assert component(pod) in {WORKER, REDIS, BOT}


def build_with(component: str, folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The base with one component, by kind and name; the overlay is written into `folder`."""
    to = os.path.relpath(MANIFESTS, folder)
    overlay = {"resources": [f"{to}/base"], "components": [f"{to}/components/{component}"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return {(o["kind"], o["metadata"]["name"]): o for o in build(folder)}


def test_with_the_component_for_tls_nobody_speaks_to_redis_in_the_clear(tmp_path: Path) -> None:
    built = build_with("redis-tls", tmp_path)
    redis = built["StatefulSet", "drainbot-redis"]["spec"]["template"]["spec"]["containers"][0]
    words = redis["args"]
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert (given["--port"], given["--tls-port"]) == ("0", "6379")
    for name in ("drainbot-bot", "drainbot-worker"):
        container = built["Deployment", name]["spec"]["template"]["spec"]["containers"][0]
        url = next(e["value"] for e in container["env"] if e["name"] == "DRAINBOT_REDIS_URL")
        pool = Redis.from_url(url).connection_pool
        assert pool.connection_class is SSLConnection
        assert pool.connection_kwargs["username"] == name
        folder = Path(pool.connection_kwargs["ssl_ca_certs"]).parent
        assert str(folder) in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_with_the_component_for_http_slack_delivers_and_the_app_token_is_gone(
    tmp_path: Path,
) -> None:
    built = build_with("http", tmp_path)
    container = built["Deployment", "drainbot-bot"]["spec"]["template"]["spec"]["containers"][0]
    env = {entry["name"]: entry for entry in container["env"]}
    assert "SLACK_APP_TOKEN" not in env
    assert env["SLACK_SIGNING_SECRET"]["valueFrom"]["secretKeyRef"]["key"] == "signing-secret"
    assert set(env) - {"REDIS_PASSWORD"} <= set(dict(all_fields(BotSettings)))
    port = int(env["DRAINBOT_SLACK_LISTEN"]["value"].rpartition(":")[2])
    service = built["Service", "drainbot-bot"]["spec"]
    target = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert target[service["ports"][0]["targetPort"]] == port
    policy = built["NetworkPolicy", "bot-deliveries"]["spec"]["ingress"][0]
    assert policy["ports"] == [{"port": port}]


def test_with_the_component_for_the_api_the_cluster_reaches_it(tmp_path: Path) -> None:
    built = build_with("api", tmp_path)
    container = built["Deployment", "drainbot-bot"]["spec"]["template"]["spec"]["containers"][0]
    env = {entry["name"]: entry for entry in container["env"]}
    port = int(env["DRAINBOT_HTTP_LISTEN"]["value"].rpartition(":")[2])
    service = built["Service", "drainbot-api"]["spec"]
    target = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert target[service["ports"][0]["targetPort"]] == port
    policy = built["NetworkPolicy", "bot-api"]["spec"]["ingress"][0]
    assert policy["ports"] == [{"port": port}]


def test_with_the_examples_every_config_map_that_is_named_is_there() -> None:
    built = build(MANIFESTS / "examples")
    there = {o["metadata"]["name"] for o in built if o["kind"] == "ConfigMap"}
    named = {
        volume["configMap"]["name"]
        for found in built
        if found["kind"] in {"Deployment", "StatefulSet"}
        for volume in found["spec"]["template"]["spec"]["volumes"]
        if "configMap" in volume
    }
    assert named == there
    assert len(there) == 3


def test_every_file_of_the_base_is_named_by_it() -> None:
    named = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    assert sorted(named) == sorted(
        path.name for path in BASE.glob("*.yaml") if path.name != "kustomization.yaml"
    )


def test_the_example_policy_and_guardrails_are_accepted() -> None:
    policy = load_policy(MANIFESTS / "examples" / "policy.yaml")
    load_guardrails(MANIFESTS / "examples" / "guardrails.yaml")
    given = environment_of("drainbot-worker")["DRAINBOT_CLUSTER"]["value"]
    assert given in policy.clusters


def test_the_image_is_the_one_that_the_dockerfile_builds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
    tags = {image["name"]: image["newTag"] for image in base["images"]}
    assert tags["drainbot"] == project["version"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"docker build -t drainbot:{project['version']}" in dockerfile
    assert 'ENTRYPOINT ["drainbot"]' in dockerfile


def test_the_image_runs_as_the_user_that_the_manifests_name() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    user, group = re.findall(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE)[-1]
    for name in ("drainbot-bot", "drainbot-worker"):
        context = pod_of("Deployment", name)["securityContext"]
        assert (context["runAsUser"], context["runAsGroup"]) == (int(user), int(group))


def test_what_the_dockerfile_copies_exists_and_is_let_through() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
            assert f"!{name}" in ignore
