"""Densities, divergences, bounds and integrals; needs numpy, scipy and autograd alone."""
