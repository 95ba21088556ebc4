"""The OpenAPI 3.1 description of all acts, derived from their signatures and docstrings."""

from __future__ import annotations

from typing import Any

import msgspec

from fettle.acts import Act, Catalog


def describe(catalog: Catalog) -> dict[str, Any]:
    """Return the OpenAPI document of every act in the catalog."""
    acts = list(catalog)
    requests = [_request_type(act) for act in acts]
    asked = [each.type for act in acts for each in act.parameters]
    kinds = [*requests, *(act.returns for act in acts), *asked]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    single = iter(schemas[2 * len(acts) :])
    paths = {
        f"/api/v1/{act.room}/{act.verb}": _path(
            act, schemas[index], schemas[len(acts) + index], [next(single) for _ in act.parameters]
        )
        for index, act in enumerate(acts)
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fettle",
            "version": "1",
            "description": "What can be done to a workspace. Send an Idempotency-Key with each change.",
        },
        "paths": paths,
        "components": {
            "schemas": components | {"Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _request_type(act: Act) -> Any:
    fields: list[Any] = [
        (each.name, each.type) if each.required else (each.name, each.type, _default(each.default))
        for each in act.parameters
    ]
    name = "".join(part.title() for part in act.name.replace(".", "_").split("_")) + "Request"
    return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)


def _default(value: Any) -> Any:
    return msgspec.field(default_factory=type(value)) if isinstance(value, list | dict | set) else value


def _path(
    act: Act, request: dict[str, Any], answer: dict[str, Any], parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": request}}}
    shared = {
        "tags": [act.room],
        "summary": act.summary,
        "description": act.description,
        "x-needs-role": act.needs.name.lower(),
        "responses": {
            "200": {"description": "The result.", "content": {"application/json": {"schema": answer}}},
            "default": {
                "description": "What was asked, what was found, what to do.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    post = shared | {"operationId": act.name, "requestBody": body}
    if not act.reads:
        key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}, "required": False}
        return {"post": post | {"parameters": [key]}}
    return {
        "post": post,
        "get": shared | {"operationId": f"{act.name}.get", "parameters": _query(act, parameters)},
    }


def _query(act: Act, schemas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "description": each.help,
            "schema": schema,
        }
        for each, schema in zip(act.parameters, schemas, strict=True)
    ]


_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                name: {"type": "string"} for name in ("code", "message", "found", "hint", "subject")
            },
            "required": ["code", "message", "found", "hint"],
        }
    },
    "required": ["error"],
}
