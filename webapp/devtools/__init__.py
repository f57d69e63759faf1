"""Throw-away servers and the pytest plugin that starts them. Never imported by the product."""
