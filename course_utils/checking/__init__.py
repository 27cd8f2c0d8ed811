"""Checks of answers. What a student calls stands in `student`; the grader uses the parts below it."""

from course_utils.checking.handing_in import hand_in
from course_utils.checking.predictions import predict, reveal
from course_utils.checking.student import check, examine, hint, progress

__all__ = ["check", "examine", "hand_in", "hint", "predict", "progress", "reveal"]
