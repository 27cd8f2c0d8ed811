"""Who may run beside whom: submissions run side by side, but for one that is tried again, which runs alone."""

import contextlib
import threading
from collections.abc import Generator


class Turns:
    """Lets many in together, or one alone, who goes first as soon as those that are in have come out."""

    def __init__(self):
        self.changed = threading.Condition()
        self.together, self.waiting, self.one = 0, 0, False

    @contextlib.contextmanager
    def beside_others(self) -> Generator[None]:
        """While it lasts, nobody is alone."""
        with self.changed:
            self.changed.wait_for(lambda: not self.one and not self.waiting)
            self.together += 1
        try:
            yield
        finally:
            with self.changed:
                self.together -= 1
                self.changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """While it lasts, nobody else is in."""
        with self.changed:
            self.waiting += 1
            self.changed.wait_for(lambda: not self.one and not self.together)
            self.waiting -= 1
            self.one = True
        try:
            yield
        finally:
            with self.changed:
                self.one = False
                self.changed.notify_all()
