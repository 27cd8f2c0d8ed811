"""Gradescope: a zip with setup.sh, run_autograder and the grader. https://gradescope-autograders.readthedocs.io"""

from pathlib import Path

from course_utils.exercises import Exercise
from course_utils.exporting.files import SETTINGS, library, requirements, settings_json, write_files, zipped

VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")
SETUP = """#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the autograder: Python, and what the grader imports, beside the system's.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
chmod 0700 "$root/source"  # answers and seed are the grader's, never the student's

find_python() {
    for name in python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
}

python="$(find_python)"
if [ -z "$python" ]; then
    apt-get update
    apt-get install -y python3.13-venv || apt-get install -y python3.12-venv || apt-get install -y python3.11-venv
    python="$(find_python)"
fi
[ -n "$python" ] || { echo "Python 3.11 or newer is needed: choose a newer base image of Ubuntu" >&2; exit 1; }
command -v setpriv prlimit unshare >/dev/null || apt-get install -y util-linux
"$python" -m venv "$root/python"
"$root/python/bin/python" -m pip install --no-cache-dir -r "$root/source/requirements.txt"
"""
RUN = """#!/usr/bin/env bash
# Runs for each submission: grades $root/submission and writes $root/results/results.json.
set -euo pipefail
root="${1:-${AUTOGRADER_ROOT:-/autograder}}"
python="${AUTOGRADER_PYTHON:-$root/python/bin/python}"
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONHASHSEED=0 PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH="$root/source"
cd /
exec "$python" -m course_utils.exporting.gradescope_run "$root"
"""


def export_gradescope(
    file: Path, notebooks: dict[str, dict[str, Exercise]], seed: int, visibility: str = "visible", force: bool = False
) -> None:
    """Writes the zip that is uploaded under "Configure Autograder"."""
    files = {
        "setup.sh": SETUP,
        "run_autograder": RUN,
        "requirements.txt": requirements(),
        SETTINGS: settings_json(notebooks, seed, visibility=visibility),
        **library(),
    }
    write_files({file: zipped(files)}, force)
