"""The subcommands of `python -m routing`: thin shells that read files, measure time and print JSON."""
