"""Submissions as other systems hand them to an exported grader, and the forms of what they want back."""

import jsonschema
from grading_corpus import ANSWERS, PCA, START, exercises_of, notebook_json, solved, student_cells

PARTIAL = {name: ANSWERS[name] for name in ("pca_encode", "choose_k")}
POINTS = {name: exercise.points for notebook in (START, PCA) for name, exercise in exercises_of(notebook).items()}
CASES = {  # name -> (files, points per exercise that has any, what the student is told)
    "full": ({f"{START}.ipynb": solved(START), f"{PCA}.ipynb": solved(PCA)}, POINTS, ""),
    "blank": (
        {f"{START}.ipynb": student_cells(START), f"{PCA}.ipynb": student_cells(PCA)},
        {},
        "Replace the line that raises NotImplementedError",
    ),
    "partial": (
        {f"{PCA}.ipynb": student_cells(PCA, **PARTIAL)},
        {name: POINTS[name] for name in PARTIAL},
        f"{START}.ipynb was not handed in",
    ),
    "broken": (
        {f"{START}.ipynb": notebook_json(solved(START))[:-20], f"{PCA}.ipynb": "not JSON"},
        {},
        f"{PCA}.ipynb: damaged: no JSON at line 1",
    ),
    "nothing": ({}, {}, f"{START}.ipynb was not handed in"),
    "no notebook": ({"answers.py": "def log_mean_exp(a): return 0", "notes.txt": "hello"}, {}, "was not handed in"),
    "renamed": (
        {f"ann_{START} (1).ipynb": solved(START), "hw7.ipynb": ["print(1)"]},
        {"log_mean_exp": 1},
        f"{PCA}.ipynb was not handed in",
    ),
    "twice": (
        {
            "a/x.ipynb": notebook_json(solved(START), {"course": {"notebook": START}}),
            "b/y.ipynb": notebook_json(solved(START), {"course": {"notebook": START}}),
        },
        {},
        f"2 files are {START} (a/x.ipynb, b/y.ipynb); hand in one of them",
    ),
    "hostile": (
        {
            f"{START}.ipynb": [
                (
                    "import os, sys\nprint('{\"score\": 99}')\nsys.stdout = None\n"
                    "def log_mean_exp(a):\n    os.kill(os.getppid(), 9)\n    os._exit(0)"
                )
            ]
        },
        {},
        "Operation not permitted",  # its parent is out of its reach
    ),
}

# https://gradescope-autograders.readthedocs.io/en/latest/specs/, "Output format", as a schema
VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "simple_format", "html", "md", "ansi"]}
SCORE = {"type": "number", "minimum": 0}
GRADESCOPE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tests"],
    "properties": {
        "score": SCORE,
        "execution_time": SCORE,
        "output": {"type": "string"},
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "leaderboard": {"type": "array"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["score", "max_score", "name"],
                "properties": {
                    "score": SCORE,
                    "max_score": SCORE,
                    "status": {"enum": ["passed", "failed"]},
                    "name": {"type": "string"},
                    "name_format": FORMAT,
                    "number": {"type": "string"},
                    "output": {"type": "string"},
                    "output_format": FORMAT,
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": VISIBILITY,
                    "extra_data": {"type": "object"},
                },
            },
        },
    },
}
# https://github.com/MarkUsProject/markus-autotesting, the custom tester's lines and Test.format_result, as a schema
MARKUS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "output", "marks_earned", "marks_total", "status"],
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "output": {"type": "string"},
        "marks_earned": SCORE,
        "marks_total": SCORE,
        "status": {"enum": ["pass", "partial", "fail", "error", "error_all"]},
        "time": {"type": ["integer", "null"], "minimum": 0},
    },
}


def hand_in(folder, files):
    """Writes a submission's files."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(notebook_json(content) if isinstance(content, list) else content, encoding="utf-8")


def check_form(value, schema):
    """ValidationError where a value has not the published form."""
    jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
