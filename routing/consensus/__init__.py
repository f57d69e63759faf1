"""Combining several people's answers: one file per geometry."""
