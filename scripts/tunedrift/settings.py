"""Reading and checking YAML settings: one sentence for the first thing that is wrong.

Imported while Snakemake parses, so nothing heavy may be imported here.
"""

import difflib
from pathlib import Path
from typing import Any

import yaml

from tunedrift.errors import UserError


class StrictLoader(yaml.SafeLoader):
    """A YAML loader for which a key given twice is an error, not a silent overwrite."""


def _unique_mapping(loader: StrictLoader, node: yaml.MappingNode) -> dict:
    seen: dict = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            mark = key_node.start_mark
            raise UserError(
                f"line {mark.line + 1}: {key!r} is given twice (first in line {seen[key]}). "
                "Rename or remove one."
            )
        seen[key] = key_node.start_mark.line + 1
    return loader.construct_mapping(node, deep=True)


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def read_yaml(path: str | Path) -> dict:
    """The mapping in a YAML file; `UserError` names the line of a syntax error or of a double key."""
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8-sig"), Loader=StrictLoader)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: save the file with that encoding.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UserError(f"{path}, line {line}: this is not valid YAML ({error.problem}).") from error
    except UserError as error:
        raise UserError(f"{path}, {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold a mapping from names to values.")
    return content


def nearest(name: str, known: list[str]) -> str:
    """A clause that names the closest of `known`, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}." if known else "none is defined."


def check_known(where: str, name: str, what: str, known: list[str]) -> None:
    """Raise `UserError` naming the nearest valid name unless `name` is among `known`."""
    if name not in known:
        raise UserError(f"config key {where}: {name!r} is not {what}: {nearest(name, known)}")


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
