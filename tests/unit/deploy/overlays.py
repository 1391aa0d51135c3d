"""The rendered overlays, and ways to spoil a copy of one."""

from collections.abc import Callable
from functools import cache
from typing import Any

from deploy.k8s.rendering import Resource, find, of_kind, overlay

Change = Callable[[list[Resource]], object]


@cache
def rendered(name: str) -> list[Resource]:
    """Shared by all tests: to be copied before it is changed."""
    return overlay(name)


def deployment(resources: list[Resource], name: str) -> Resource:
    found = find(resources, "Deployment", name)
    assert found is not None, name
    return found


def pod(resources: list[Resource], name: str = "points-web") -> dict[str, Any]:
    spec: dict[str, Any] = deployment(resources, name)["spec"]["template"]["spec"]
    return spec


def container(resources: list[Resource], name: str = "points-web") -> dict[str, Any]:
    first: dict[str, Any] = pod(resources, name)["containers"][0]
    return first


def without_variable(resources: list[Resource], name: str, of: str) -> None:
    held = container(resources, of)
    held["env"] = [each for each in held["env"] if each["name"] != name]


def without_setting(resources: list[Resource], name: str) -> None:
    for settings in of_kind(resources, "ConfigMap"):
        settings["data"].pop(name, None)


def without(resources: list[Resource], kind: str, name: str) -> None:
    resources.remove(find(resources, kind, name))  # type: ignore[arg-type]


def with_secret(resources: list[Resource], name: str, of: str) -> None:
    reference = {"secretKeyRef": {"name": "tamaru", "key": name}}
    container(resources, of)["env"].append({"name": name, "valueFrom": reference})


def setting(resources: list[Resource], name: str, value: str) -> None:
    for settings in of_kind(resources, "ConfigMap"):
        if name in settings["data"]:
            settings["data"][name] = value
