"""Does each resource have the shape that its kind allows?

Kubernetes' own kinds by the schemas that `kubernetes-validate` carries, strictly and for the oldest
and the newest version that we say we run on; operators' kinds by `schemas/`.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources as package_files
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry
from referencing import Resource as Schema

from deploy.k8s.rendering import FOLDER, Resource, name_of

VERSIONS = ("1.31", "1.37")
"""The oldest has `unhealthyPodEvictionPolicy` and a `preStop` that sleeps without a shell."""

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA = {
    "type": "object",
    "required": ["name", "namespace"],
    "properties": {
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "labels": _TEXTS,
        "annotations": _TEXTS,
    },
}


def problems(resources: list[Resource]) -> Iterator[str]:
    """What no cluster would accept, each with where."""
    for resource in resources:
        custom = _custom().get((resource["apiVersion"], resource["kind"]))
        found = _against(resource, custom) if custom else _kubernetes(resource)
        for problem in found:
            yield f"{name_of(resource)}: {problem}"


def _against(resource: Resource, schema: dict[str, Any]) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(resource):
        yield _told(error)


def _kubernetes(resource: Resource) -> Iterator[str]:
    for version in VERSIONS:
        validator = _validator(version, resource["apiVersion"], resource["kind"])
        if validator is None:
            kind = f"{resource['apiVersion']} {resource['kind']}"
            yield f"nobody here knows {kind}: write its fields down in deploy/k8s/schemas"
            return
        for error in validator.iter_errors(resource):
            yield f"Kubernetes {version}: {_told(error)}"


@cache
def _validator(version: str, api_version: str, kind: str) -> Draft202012Validator | None:
    """None for a kind that Kubernetes does not have. The package's own way in reads all schemas of
    a version again for each resource, and tells of the first error only."""
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    name = f"{kind.lower()}-{group}.json"
    texts = _texts(version)
    if not (texts / name).is_file():
        return None
    schema = json.loads((texts / name).read_text())
    return Draft202012Validator(schema, registry=_definitions(version))


@cache
def _definitions(version: str) -> Any:
    """What the schemas of a version refer to."""
    whole = json.loads((_texts(version) / "_definitions.json").read_text())
    return Registry().with_resource("_definitions.json", Schema.from_contents(whole)).crawl()


def _texts(version: str) -> Any:
    folder = package_files.files("kubernetes_validate") / "kubernetes-json-schema"
    return next(
        each
        for each in folder.iterdir()
        if each.name.startswith(f"v{version}.") and each.name.endswith("-local-strict")
    )


def _told(error: ValidationError) -> str:
    place = ".".join(str(each) for each in error.absolute_path)
    return f"{place or 'the whole'}: {error.message[:300]}"


@cache
def _custom() -> dict[tuple[str, str], dict[str, Any]]:
    """The operators' kinds: (apiVersion, kind) → schema of the whole resource."""
    found = {}
    for file in sorted((FOLDER / "schemas").glob("*.yaml")):
        told = yaml.safe_load(file.read_text())
        whole = {"apiVersion": {}, "kind": {}, "metadata": _METADATA, "spec": told["spec"]}
        schema = {"type": "object", "required": list(whole), "properties": whole}
        found[told["apiVersion"], told["kind"]] = _closed(schema)
    return found


def _closed(schema: Any) -> Any:
    """The schema with every object that lists its properties closed to others. Conditions
    (`if`, `then`) stay open: they say something about a part only."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: value if key in ("if", "not") else _closed(value) for key, value in schema.items()
    }
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed
