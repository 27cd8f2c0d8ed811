"""Printing what training reached, in a form that the tests can compare."""


def show_result(label: str, value: float, expected: float, tolerance: float) -> None:
    """Prints a number that came out of training beside what is expected, and fails outside the tolerance.

    Such numbers differ between machines in their last digits. The tests mask the digits of these lines alone, and
    the tolerance is checked here, wherever the notebook runs.
    """
    print(f"≈ {label}: {value:.4g} (expected {expected:.4g} ± {tolerance:.2g})")
    if not abs(value - expected) <= tolerance:
        raise AssertionError(f"{label} is {value:.6g}, expected {expected:.6g} ± {tolerance:.2g}")
