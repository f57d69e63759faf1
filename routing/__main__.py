"""`python -m routing`: fuse files of answers, replay policies over them, simulate a crowd.

JSON goes to standard output; faults go to standard error with the file, the line and the fix, and exit status 2.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from routing.answer_table import TableError
from routing.commands import aggregate, replay, simulate

COMMANDS = (aggregate, replay, simulate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m routing", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        report = options.run(options)
    except TableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    json.dump(report, sys.stdout, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
