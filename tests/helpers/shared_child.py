"""One child for all answers to an exercise, where what is tested is the report and not that answers are kept apart.

A fork costs more than most answers: in a process that holds all tests, as much as a hundred calls of one.
"""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from course_utils.checking.calling import forked

CHOOSE = "<choose>"
LOST = ("timeout", "died", "unreadable")  # outcomes after which a child is of no use


class Chosen:
    """Whichever of some functions was chosen last, by a call with CHOOSE and its number; with its name and globals."""

    def __init__(self, functions: Iterable[Callable]):
        self.functions = list(functions)
        self.function = self.functions[0]

    def __call__(self, *args: Any) -> Any:
        if type(args[0]) is str and args[0] == CHOOSE:
            self.function = self.functions[args[1]]
            return 0
        return self.function(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)


class Children:
    """In the place of `calling.isolated`: `groups` of functions have one child after the other; others their own."""

    def __init__(self, groups: Iterable[Iterable[Callable]]):
        self.groups = [list(group) for group in groups]
        self.places = {id(f): (g, i) for g, group in enumerate(self.groups) for i, f in enumerate(group)}
        self.group, self.call, self.open = None, None, contextlib.ExitStack()

    def end(self) -> None:
        """No child is left."""
        self.group = None
        self.open.close()

    @contextlib.contextmanager
    def __call__(self, function: Callable, tick=None):
        """As `forked`; a function without a group, or whose progress is to be shown, has a child of its own."""
        group, number = self.places.get(id(function), (None, 0))
        if group is None or tick:
            with forked(function, tick) as call:
                yield call
            return
        if group != self.group:
            self.end()
            self.call, self.group = self.open.enter_context(forked(Chosen(self.groups[group]))), group
        chosen = self.call((CHOOSE, number), 60)
        assert chosen.kind == "value", chosen

        def noted(*args, **more):
            outcome = self.call(*args, **more)
            if outcome.kind in LOST:
                self.group = None  # the next one gets a new child
            return outcome

        yield noted
