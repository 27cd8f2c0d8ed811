"""Grading submissions: each runs in a child process and is scored from here. Nothing in a submission is trusted."""

from course_utils.grading.run import grade_folder

__all__ = ["grade_folder"]
