"""Reading and checking YAML settings: one sentence for the first thing that is wrong.

Imported while Snakemake parses, so nothing heavy may be imported here.
"""

import math
import re
from typing import Any

from tunedrift.errors import UserError, nearest

NUMBER = re.compile(r"[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?")
"""A number as people write it; YAML takes one with an exponent for text unless it has a dot and the sign (`2.0e-4`)."""


def with_numbers(value: Any, schema: dict) -> Any:
    """`value` with numbers where the schema wants numbers, recursively; nothing is changed in place.

    Text such as `2e-4` or `"8"` becomes the number that it spells, and a whole number such as `1e3` or `3.0` an
    integer where the schema wants one. What spells no number stays as it is, for `check_schema` to name. A key that
    is no text becomes text, but for the names that the study gives.
    """
    if isinstance(value, dict):
        properties, other = schema.get("properties", {}), schema.get("additionalProperties")
        other = other if isinstance(other, dict) else {}
        if (
            "propertyNames" not in schema
        ):  # a label of digits is a number to YAML, an unquoted yes a truth value
            value = {str(key): entry for key, entry in value.items()}
        return {key: with_numbers(entry, properties.get(key, other)) for key, entry in value.items()}
    if isinstance(value, list):
        return [with_numbers(entry, schema.get("items", {})) for entry in value]
    types = _types(schema)
    if isinstance(value, str) and "string" not in types and types & {"number", "integer"}:
        spelt = value.strip()
        number = float(spelt) if NUMBER.fullmatch(spelt) else None
        if number is None or not math.isfinite(number):
            return value
        value = int(spelt) if re.fullmatch(r"[+-]?\d[\d_]*", spelt) else number
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return int(value)
    return value


def _types(schema: dict) -> set[str]:
    """The types that a schema, or its list of whole numbers, lets a value have; empty where it does not say."""
    choices = schema.get("enum", ())
    types = schema.get("type", "integer" if choices and all(type(value) is int for value in choices) else [])
    return {types} if isinstance(types, str) else set(types)


def check_schema(config: dict, schema: dict) -> None:
    """Raise `UserError` for the first key (in reading order) that the schema does not allow."""
    from jsonschema import Draft202012Validator

    errors = sorted(
        Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path))
    )
    for error in errors:
        where = ".".join(map(str, error.absolute_path))
        prefix = f"{where}." if where else ""
        if error.validator == "additionalProperties":
            known = sorted(error.schema["properties"])
            unknown = next(key for key in error.instance if key not in known)
            raise UserError(f"config key {prefix}{unknown} is unknown: {nearest(unknown, known)}")
        if error.validator == "required":
            missing = next(key for key in error.validator_value if key not in error.instance)
            raise UserError(f"config key {prefix}{missing} is missing.")
        if error.validator == "not":
            together = " and ".join(error.validator_value["required"])
            raise UserError(f"config key {where}: {together} cannot stand together. Leave one out.")
        if error.validator == "pattern":
            raise UserError(
                f"config key {prefix}{error.instance}: a name has lower-case letters, digits, '.', '_' and '-' only."
            )
        if error.validator == "enum":
            raise UserError(
                f"config key {where}: {error.instance!r} is not possible: "
                f"{nearest(str(error.instance), [str(value) for value in error.validator_value])}"
            )
        raise UserError(f"config key {where or 'file'}: {error.message}.{_remedy(error.instance, error)}")


def _remedy(value: object, error: Any) -> str:
    """How a value of another type than the schema's is written; empty where there is nothing to say."""
    wanted = _types(error.schema) if error.validator == "type" else set()
    if isinstance(value, str) and "integer" in wanted:
        return " Write a whole number, such as 8."
    if isinstance(value, str) and "number" in wanted:
        return " Write a number, such as 0.0002 or 2e-4."
    if "string" in wanted and isinstance(value, int | float):
        return " Put it in quotes, so that YAML reads it as text."
    return ""


def fill_defaults(value: Any, schema: dict) -> Any:
    """`value` with the schema's defaults where a key is absent, recursively; nothing is changed in place."""
    if not isinstance(value, dict) or schema.get("x-partial"):
        return value
    properties = schema.get("properties", {})
    other = schema.get("additionalProperties")
    filled = {}
    for key in [*value, *(key for key in properties if key not in value)]:
        inner = properties.get(key, other if isinstance(other, dict) else {})
        if key in value or "default" in inner:
            filled[key] = fill_defaults(value.get(key, inner.get("default")), inner)
    return filled
