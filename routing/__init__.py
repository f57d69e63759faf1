"""Pure decisions: what to ask, of whom, when to stop, and how answers combine. No clock, no I/O, no Django, no Ray."""
