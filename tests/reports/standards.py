"""The schemas that others published for JUnit XML and SARIF, as they stand beside this file, and reports held against them.

`junit-10.xsd` is that of the Jenkins xunit plugin (MIT licence, in the file); `sarif-2.1.0-rtm.5.json` that of SARIF 2.1.0
(OASIS; the text that schemastore.org serves and that Microsoft's jest-sarif ships, MIT licence).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import xmlschema

PUBLISHED = Path(__file__).with_name("published")


@cache
def _junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(PUBLISHED / "junit-10.xsd")


@cache
def _sarif_schema() -> jsonschema.Draft4Validator:
    schema = json.loads((PUBLISHED / "sarif-2.1.0-rtm.5.json").read_text())
    jsonschema.Draft4Validator.check_schema(schema)
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def hold_against_junit(document: str) -> None:
    """XMLSchemaValidationError where the published schema does not allow the document."""
    _junit_schema().validate(document)


def hold_against_sarif(log: Any) -> None:
    """ValidationError where the published schema does not allow the log."""
    _sarif_schema().validate(log)
