"""What the notebooks of the generative models course use: data, mathematics, exercises, checks, explorables, grader.

Import the module that you need (`from course_utils.models import pca`); this file imports nothing, so that the
mathematics loads without plots, widgets or the grader.
"""

__version__ = "0.1.0"
