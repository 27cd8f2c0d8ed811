"""Two sizes of a test run: the weekly workflow looks at everything, an ordinary run at a part of what takes long."""

import os

WEEKLY = os.environ.get("COURSE_TEST_COPIES") == "full"
