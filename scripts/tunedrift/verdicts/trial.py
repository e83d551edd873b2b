"""Run by `confined` in a process of its own: a program in a module, then each of its tests; the exit status tells how it went.

What ends the process without a word of this file, `exit()` or a signal, is neither of the two statuses.
"""

import json
import os
import sys
import types
from pathlib import Path

PASSED, FAILED = 97, 98
"""Exit statuses that hardly any program ends with by itself."""


def main(task: dict) -> int:
    """Run the code of `task` and its tests in one module; `FAILED` where any of them raises an exception."""
    module = types.ModuleType("solution")  # not __main__: what stands under its test is not for others to run
    sys.modules["solution"] = module
    try:
        for number, source in enumerate((task["code"], *task["tests"])):
            exec(compile(source, f"part{number}.py", "exec"), module.__dict__)
    except MemoryError:
        return 1
    except Exception:
        return FAILED
    return PASSED


if __name__ == "__main__":
    os._exit(main(json.loads(Path("task.json").read_bytes())))
