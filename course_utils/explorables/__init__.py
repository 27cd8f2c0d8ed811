"""What students move: one module for each explorable of the notebooks, none of them imported by the mathematics."""
