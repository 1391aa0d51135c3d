"""`python -m deploy.k8s.check`: is every overlay what the rest of the product and a cluster expect?

Prints what is wrong and where, one line each. 0 when nothing is.
"""

import sys
from collections.abc import Iterator

from deploy.k8s import agreement, pods, references, rollout, schemas, traffic
from deploy.k8s.rendering import OVERLAYS, DoesNotRender, Resource, overlay


def problems(resources: list[Resource]) -> Iterator[str]:
    """All that is wrong with a rendered overlay."""
    services = agreement.compose()
    yield from schemas.problems(resources)
    yield from pods.problems(resources)
    yield from rollout.problems(resources)
    yield from references.problems(resources)
    yield from agreement.problems(resources, services)
    yield from traffic.problems(resources, services)


def main() -> int:
    """Check every overlay."""
    wrong = 0
    for name in OVERLAYS:
        try:
            resources = overlay(name)
        except DoesNotRender as refused:
            print(f"{name}: does not render: {refused}")
            wrong += 1
            continue
        found = list(problems(resources))
        for problem in found:
            print(f"{name}: {problem}")
        wrong += len(found)
        if not found:
            print(f"{name}: {len(resources)} resources, nothing is wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
