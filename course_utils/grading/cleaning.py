"""Removing what students' code leaves behind. The grader and the child use it, so it imports nothing of ours."""

import contextlib
import os
import shutil
from pathlib import Path


def remove(path: Path | str):
    """Removes a file or folder whatever a student's code did to it; what cannot be removed is left."""
    for _ in range(2):
        with contextlib.suppress(OSError, RecursionError):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
            return
        with contextlib.suppress(RecursionError):
            for folder, folders, _ in os.walk(path):
                for name in (".", *folders):
                    with contextlib.suppress(OSError):
                        os.chmod(os.path.join(folder, name), 0o700)
