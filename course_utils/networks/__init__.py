"""Networks as lists of (W, b), their fast operations and gradients, and the optimiser."""
