"""The vocabulary every package speaks: shapes, geometry, label schema, answer validation."""
