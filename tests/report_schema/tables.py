"""The tables of the reference page, written from the schema of the JSON report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
HEAD = {"field": "| field | type | meaning |\n|---|---|---|", "value": "| value | meaning |\n|---|---|"}
LEAVES = {"string": "text", "boolean": "true or false", "integer": "integer", "null": "null"}


def tables(schema: Schema) -> str:
    """Markdown: a table of the plain types, then a section for each object and for each list of words."""
    return "\n".join(_lines(schema)).rstrip() + "\n"


def _lines(schema: Schema) -> Iterator[str]:
    definitions = schema["$defs"]
    plain = [each for each in definitions.values() if not _has_section(each)]
    yield from ("| type | what it is |", "|---|---|")
    yield from (f"| {each['title']} | {_cell(each['description'])} |" for each in plain)
    yield ""
    for each in (schema, *definitions.values()):
        if _has_section(each):
            yield from (f"### {_heading(each)}", "", each["description"], "")
            yield from _fields(each, definitions) if "properties" in each else _values(each)
            yield ""


def _fields(part: Schema, definitions: Schema) -> Iterator[str]:
    yield HEAD["field"]
    for name, field in part["properties"].items():
        missing = "" if name in part["required"] else "; may be missing"
        yield f"| `{name}` | {type_of(field, definitions)}{missing} | {_cell(field['description'])} |"


def _values(part: Schema) -> Iterator[str]:
    yield HEAD["value"]
    yield from (f"| `{each['const']}` | {_cell(each['description'])} |" for each in part["oneOf"])


def type_of(field: Schema, definitions: Schema) -> str:
    """The type of a field in words; what has a section is a link to it."""
    match field:
        case {"$ref": where}:
            part = definitions[where.removeprefix("#/$defs/")]
            anchor = _heading(part).lower().replace(" ", "-")
            return f"[{part['title']}](#{anchor})" if _has_section(part) else str(part["title"])
        case {"anyOf": parts}:
            return " or ".join(type_of(each, definitions) for each in parts)
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{'null' if each is None else each}`" for each in values)
        case {"type": [kind, "null"]}:
            return f"{type_of({**field, 'type': kind}, definitions)} or null"
    return _plain(field, definitions)


def _plain(field: Schema, definitions: Schema) -> str:
    if field["type"] == "array":
        return f"list of {type_of(field['items'], definitions)}"
    if field["type"] == "object":
        keys = type_of(field.get("propertyNames", {"type": "string"}), definitions)
        return f"object: {keys} to {type_of(field['additionalProperties'], definitions)}"
    return LEAVES[field["type"]]


def _has_section(part: Schema) -> bool:
    return "properties" in part or "oneOf" in part


def _heading(part: Schema) -> str:
    title = str(part["title"])
    return title[0].upper() + title[1:]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
