"""Whole files of answers fused at once, one module a family of geometries, for the commands and the benchmarks."""
