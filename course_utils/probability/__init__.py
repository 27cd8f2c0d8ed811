"""Densities, divergences, bounds and integrals; needs numpy and autograd alone.

Integers and lists count as float64; float32 stays float32 in `gaussians` and `likelihoods`. Arguments that do
not fit what a docstring says of them, in shape, sign or sum, are refused with a ValueError (see `expecting`); a nan is
refused or gives nan.
"""
