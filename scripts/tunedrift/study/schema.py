"""Reading and checking YAML settings: one sentence for the first thing that is wrong.

Imported while Snakemake parses, so nothing heavy may be imported here.
"""

from typing import Any

from tunedrift.errors import UserError, nearest


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
        if error.validator == "pattern":
            raise UserError(
                f"config key {prefix}{error.instance}: a name has lower-case letters, digits, '.', '_' and '-' only."
            )
        if error.validator == "enum":
            raise UserError(
                f"config key {where}: {error.instance!r} is not possible: "
                f"{nearest(str(error.instance), [str(value) for value in error.validator_value])}"
            )
        raise UserError(f"config key {where or 'file'}: {error.message}.")


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
