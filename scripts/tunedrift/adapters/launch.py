"""A function in several processes of one machine that compute together, one per device.

They find one another by torch.distributed, which accelerate and Trainer read from the environment:
NCCL between GPUs, gloo between processors.
"""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from tunedrift.jobs import cli


def together(function: Callable[..., None], *arguments: Any, processes: int) -> None:
    """Call `function(*arguments)` in that many processes at once and wait for them; one is this process itself.

    The function must be a module's own, for it is found by its name. If one process fails, it has said
    why; the others are ended and so is this program. Processes whose parent is killed end too.
    """
    if processes == 1:
        function(*arguments)
        return
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # They would print a report below the sentence that says what is wrong.
    for library in ("torch.distributed.elastic", "torch.multiprocessing"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="tunedrift",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",  # any free port
        local_addr="localhost",
        max_restarts=0,
    )
    try:
        elastic_launch(config, _worker)(function, arguments)
    except ChildFailedError:
        sys.exit(1)


def _worker(function: Callable[..., None], arguments: tuple) -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    with cli.plain_errors():
        function(*arguments)
    torch.distributed.destroy_process_group()
