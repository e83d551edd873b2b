"""Loaded by every Python process that finds this folder on its path: at its end it writes down what it has loaded.

One JSON file per process in the folder that LOADED names: the command line, and the files of all local modules.
"""

import atexit
import json
import os
import sys
from pathlib import Path


def record() -> None:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    local = sorted(file for file in files if file and "/scripts/tunedrift/" in file)
    draft = Path(os.environ["LOADED"]) / f"{os.getpid()}.part"
    draft.write_text(json.dumps({"program": program, "words": sys.argv[1:], "loaded": local}))
    draft.replace(draft.with_suffix(".json"))


program = str(Path(sys.argv[0]).absolute())
atexit.register(record)
