"""What the notebooks of the generative models course use: data, mathematics, exercises, checks, explorables, grader.

Import the module that you need (`from course_utils.models import pca`); this file imports nothing of the course (in a
browser, the module of products alone), so that the mathematics loads without plots, widgets or the grader.
"""

import sys

if sys.platform == "emscripten":  # a notebook in the browser
    import logging
    import time

    from IPython import get_ipython
    from tqdm import tqdm

    from course_utils.networks import products

    products.in_browser(get_ipython())
    time.process_time = time.perf_counter  # the processor's own clock stands still there
    tqdm.monitor_interval = 0  # no thread that watches its bars: there are no threads
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it says that it looks at its fonts

__version__ = "0.1.0"
