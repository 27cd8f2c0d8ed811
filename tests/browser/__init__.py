"""A package so that its tests can share fixtures of scope "package", which end with its last test."""
