"""Examples in the OpenAPI schema: what was sent and answered when docs/requests.http was played.

`make examples` writes them to examples.json; a test plays the requests again and refuses examples of another shape.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")


@cache
def recorded() -> dict[str, dict[str, Any]]:
    """Return method and path of an operation, as in `GET /api/v1/documents/{id}/` → its example."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the examples to a generated schema; a hook of drf-spectacular, whose order of arguments this is."""
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            example = recorded().get(f"{method.upper()} {path}")
            if example is not None:
                _add(operation, example)
    return result


def _add(operation: dict[str, Any], example: dict[str, Any]) -> None:
    """Put an example where OpenAPI has its parts: parameters, the body of the request and that of the answer."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in example["parameters"]:
            parameter["example"] = example["parameters"][parameter["name"]]
    places = (
        (operation.get("requestBody", {}), example["request"]),
        (operation["responses"].get(example["status"], {}), example["response"]),
    )
    for place, body in places:
        content = place.get("content", {}).get(body.get("content_type"))
        if content is not None:
            content.setdefault("examples", {})["Recorded"] = {"summary": example["title"], "value": body["value"]}
