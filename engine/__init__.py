"""Runs models over scenes on Ray, splits scenes into micro-tasks and assembles resolutions into annotations."""
