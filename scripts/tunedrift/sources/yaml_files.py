"""YAML files whose keys may stand once: study files, word lists, attacks."""

from pathlib import Path

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
