"""LINE's OpenAPI files as strict judges of requests and answers.

Owns reading them and flattening their schemas, so that unknown types, missing fields and typos
fail. The files lie beside the repository; where they are absent, `openapi_files` skips the test.

`problems_of` is for whoever sends: it names everything that is wrong with a request. `Judge` holds
every request to a stand-in against it, `judged` every request to a sandbox in this process.
"""

import functools
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
import yaml
from aiohttp import web
from jsonschema import Draft7Validator, FormatChecker

from deploy.sandbox.endpoints import ENDPOINTS, Endpoints
from deploy.sandbox.platform import Platform
from deploy.sandbox.request_rules import REQUESTS
from shared.line.field_rules import Path as Steps
from shared.line.field_rules import naming_unknown_fields

FOLDER = Path(__file__).parents[2].parent / "shared" / "line-openapi"
NAMES = ("messaging-api.yml", "insight.yml", "manage-audience.yml")

_ours = Endpoints(ENDPOINTS)


def document(name: str) -> Any:
    """One of LINE's files; the test is skipped, and says so, where it is absent."""
    if not (FOLDER / name).exists():
        pytest.skip(f"LINE's OpenAPI file {name} is not beside the repository")
    return _read(name)


@functools.cache
def _read(name: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((FOLDER / name).read_text(), Loader=loader)


def present() -> bool:
    return all((FOLDER / name).exists() for name in NAMES)


def problems_of(method: str, path: str, body: bytes | Any = None) -> list[str]:
    """Everything that is wrong with a request: by LINE's files, and by LINE's written limits.

    `path` may carry a query; `body` is JSON, as bytes or decoded; other bytes, as of an image, are
    passed over. An empty list is a good request. Without LINE's files the written limits remain.
    """
    content = _decoded(body) if isinstance(body, bytes) else body
    by_file = schema_problems(method, path, content) if present() else []
    return [*by_file, *rule_problems(method, path, content)]


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_DIGITS = re.compile(rb"[0-9a-f]{32}|[0-9]+")


class Judge:
    """Notes what an aiohttp stand-in is sent, and judges it when asked: no call waits for that.

    Requests that differ in numbers alone are judged once, by the first of them.
    """

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, bytes], tuple[str, bytes]] = {}

    def middleware(self) -> Any:
        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            body = await request.read()
            kind = request.method, request.path, _DIGITS.sub(b"0", body)
            self._requests.setdefault(kind, (request.path_qs, body))
            return await handler(request)

        return note

    def problems(self) -> list[str]:
        """What is wrong with the requests so far."""
        return [
            problem
            for (method, _, _), (path, body) in self._requests.items()
            for problem in problems_of(method, path, body)
        ]


def judged(platform: Platform) -> list[str]:
    """The problems of every call that this sandbox gets from now on, as they come."""
    found: list[str] = []
    platform.on_call = lambda method, path, body: found.extend(problems_of(method, path, body))
    return found


def rule_problems(method: str, path: str, content: Any) -> list[str]:
    """What the written limits say, which LINE's files leave out for a good part."""
    found = _ours.find(method.upper(), path.partition("?")[0])
    rule = REQUESTS.get(found[0].name) if found else None
    if rule is None or content is None:
        return []
    with naming_unknown_fields():
        problems = rule(content)
    return [f"{dotted(steps)}: {message} (rule)" for steps, message in problems]


def schema_problems(method: str, path: str, content: Any) -> list[str]:
    """What LINE's files say of the path, its query and its body."""
    plain, _, query = path.partition("?")
    described = _operation(method.lower(), plain)
    if described is None:
        return [f"{method} {plain}: LINE knows no such call"]
    name, operation = described
    found = list(_query_problems(name, operation, dict(parse_qsl(query))))
    return found + _body_problems(name, operation, content)


def answer_problems(method: str, path: str, status: int, content: Any) -> list[str]:
    """What is wrong with an answer: another shape than the file has for the status, or more."""
    described = _operation(method.lower(), path.partition("?")[0])
    assert described is not None, f"{method} {path}: LINE knows no such call"
    name, operation = described
    response = operation["responses"].get(str(status))
    if response is None and status < 400:
        return [f"LINE does not answer {status}"]
    media = (response or {}).get("content", {}).get("application/json")
    schema = media["schema"] if media else _ERROR if status >= 400 else {}
    errors = _validator(name, flat(name, schema)).iter_errors(content)
    return [f"{dotted(tuple(error.absolute_path))}: {error.message}" for error in errors]


def definition_problems(name: str, key: str, content: Any) -> list[str]:
    """What keeps a value from being the schema `key` of the file."""
    errors = _validator(name, flat(name, {"$ref": key})).iter_errors(content)
    return [f"{dotted(tuple(error.absolute_path))}: {error.message}" for error in errors]


_ERROR = {"$ref": "#/components/schemas/ErrorResponse"}


def _operation(method: str, path: str) -> tuple[str, Any] | None:
    """The file and the operation that a path stands for; a word goes before an id."""
    steps = path.split("/")
    candidates = [
        (template.count("{"), name, operations[method])
        for name in NAMES
        for template, operations in document(name)["paths"].items()
        if method in operations and _matches(template.split("/"), steps)
    ]
    return min(candidates, key=lambda one: one[0])[1:] if candidates else None


def _matches(template: list[str], steps: list[str]) -> bool:
    return len(template) == len(steps) and all(
        step and (part.startswith("{") or part == step)
        for part, step in zip(template[1:], steps[1:], strict=True)
    )


def _query_problems(name: str, operation: Any, query: Mapping[str, str]) -> Iterator[str]:
    known = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"}
    for missing in (one for one in known if known[one].get("required") and one not in query):
        yield f"?{missing}: is missing"
    for parameter, value in query.items():
        if parameter not in known:
            yield f"?{parameter}: unknown"
            continue
        schema = flat(name, known[parameter]["schema"])
        given = int(value) if schema.get("type") == "integer" and value.isdigit() else value
        for error in _validator(name, schema).iter_errors(given):
            yield f"?{parameter}: {error.message}"


def _body_problems(name: str, operation: Any, content: Any) -> list[str]:
    media = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in media:
        return ["the call takes no JSON body"] if content is not None and not media else []
    schema = flat(name, media["application/json"]["schema"])
    errors = _validator(name, schema).iter_errors(content)
    return [f"{dotted(tuple(error.absolute_path))}: {error.message}" for error in errors]


def _validator(name: str, schema: Any) -> Draft7Validator:
    whole = {**schema, "definitions": _definitions(name)}
    return Draft7Validator(whole, format_checker=FormatChecker())


def dotted(steps: Steps) -> str:
    """`messages[0].text` of a path."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return "".join(parts).removeprefix(".")


@functools.cache
def _definitions(name: str) -> dict[str, Any]:
    """Every schema of a file, flattened: as itself, and as a base that its `type` leads on from."""
    schemas = document(name)["components"]["schemas"]
    closed = {key: _closed(name, key) for key in schemas}
    chosen = {
        f"{key} by type": _chosen(key, schema["discriminator"])
        for key, schema in schemas.items()
        if "mapping" in schema.get("discriminator", {})
    }
    return closed | chosen


def _chosen(key: str, discriminator: Any) -> dict[str, Any]:
    """The discriminator as a choice: a known type, and all that this type asks for."""
    field, mapping = discriminator["propertyName"], discriminator["mapping"]
    choices = [
        {
            "if": {"properties": {field: {"const": value}}, "required": [field]},
            "then": {"$ref": f"#/definitions/{_last(reference)}"},
        }
        for value, reference in mapping.items()
    ]
    return {
        "type": "object",
        "required": [field],
        "properties": {field: {"enum": list(mapping)}},
        "allOf": choices,
    }


def _closed(name: str, key: str) -> dict[str, Any]:
    return flat(name, document(name)["components"]["schemas"][key], as_base=True)


def flat(name: str, schema: Any, *, as_base: bool = False) -> dict[str, Any]:
    """One schema without `allOf`: the parts' fields together, and no others.

    `as_base` stops at a schema with a discriminator instead of following its types.
    """
    if "$ref" in schema:
        return {"$ref": f"#/definitions/{_target(name, _last(schema['$ref']))}"}
    properties, required = _fields(name, schema)
    kept = {key: value for key, value in schema.items() if key in _PLAIN}
    if "items" in schema:
        kept["items"] = flat(name, schema["items"])
    if "oneOf" in schema:
        kept["anyOf"] = [flat(name, part) for part in schema["oneOf"]]
    if schema.get("nullable") and "type" in kept:
        kept["type"] = [kept["type"], "null"]
    if not properties:
        extra = schema.get("additionalProperties")
        return kept | ({"additionalProperties": flat(name, extra)} if extra else {})
    return {
        **kept,
        "type": "object",
        "properties": {field: flat(name, inner) for field, inner in properties.items()},
        "required": sorted(required),
        "additionalProperties": False,
    }


_PLAIN = (
    "type", "enum", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "minItems", "maxItems",
)  # fmt: skip


def _fields(name: str, schema: Any) -> tuple[dict[str, Any], set[str]]:
    """The fields of a schema and of all that it is made of, and those that must be there."""
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        if "$ref" in part:
            part = document(name)["components"]["schemas"][_last(part["$ref"])]  # noqa: PLW2901
        inner, needed = _fields(name, part)
        properties = inner | properties
        required |= needed
    return properties, required


def fields_of(key: str, name: str = "messaging-api.yml") -> set[str]:
    """The names of all fields of a schema."""
    return set(_fields(name, document(name)["components"]["schemas"][key])[0])


def _target(name: str, key: str) -> str:
    schema = document(name)["components"]["schemas"][key]
    return f"{key} by type" if "mapping" in schema.get("discriminator", {}) else key


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]
