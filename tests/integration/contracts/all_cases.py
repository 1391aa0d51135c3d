"""The cases of all queues: there must be one for each, with each type that reaches it."""

from tests.integration.contracts import edge_cases, notify_cases, points_cases

CASES = [*edge_cases.CASES, *notify_cases.CASES, *points_cases.CASES]
