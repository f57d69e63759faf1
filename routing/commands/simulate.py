"""`python -m routing simulate`: whole jobs done by a simulated crowd, with the product's own decisions."""

import argparse
import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from routing.policy import PolicyError, RoutingPolicy
from routing.simulation.batch import PARTS, simulate_batch
from routing.simulation.policy_table import policy_table
from routing.simulation.spam import spam_trial
from routing.simulation.specialists import specialist_trial
from routing.simulation.world import Settings, WorldError
from routing.table_error import TableError

POLICIES = ("adaptive", "fixed", "table", "spam", "specialists")
OVERLAP = 3
EPILOG = """\
policies: `adaptive` is the product; `fixed` looks at every object three times and takes the majority; `table` compares
eight policies object by object in a world without pictures; `spam` measures how soon the careless are found; and
`specialists` what it is worth to match disputes to records. --without leaves a part of the product out and runs it once
more beside it: domain (one skill per person), gold (no known answers), audit (the proposer's scores are believed),
assignment (anybody gets any task). --set changes a setting of the policy, as in --set target_risk=0.02. The report is
JSON: per run the means over the repeats and, in `spread`, their standard errors."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "simulate",
        help="run whole jobs over a simulated crowd",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for field in dataclasses.fields(Settings):
        name = f"--{field.name.replace('_', '-')}"
        kind = type(field.default)
        parser.add_argument(
            name, type=kind, default=field.default, help=f"{HELP[field.name]} ({field.default})"
        )
    parser.add_argument(
        "--policy", choices=POLICIES, action="append", help="what to run; may be repeated (adaptive)"
    )
    parser.add_argument("--without", choices=PARTS, action="append", default=[], help="ablate a part")
    parser.add_argument("--ablations", action="store_true", help="ablate every part in turn")
    parser.add_argument("--repeats", type=int, default=1, help="seeds to average over, from --seed on (1)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change the policy")
    parser.add_argument("--out", type=Path, help="also write the report to this file")
    parser.set_defaults(run=run)


HELP = {
    "scenes": "scenes to annotate",
    "objects": "objects in each scene",
    "people": "simulated people",
    "specialists": "of whom so many are specialists",
    "precision": "share of the proposer's boxes that are right",
    "recall": "share of the objects that it proposes; 0 for no proposer",
    "overconfidence": "factor on its log-odds; 1 is calibrated",
    "domains": "kinds of scenes",
    "domain_sd": "how much a person's skill differs between domains, log-odds",
    "seed": "of the world, the crowd and all dice",
}


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return what to print; raise TableError for settings that cannot be simulated."""
    if options.repeats < 1:
        raise TableError(f"--repeats: {options.repeats}; give 1 or more")
    try:
        settings = Settings(**{f.name: getattr(options, f.name) for f in dataclasses.fields(Settings)})
        policy = RoutingPolicy.from_json(dict(_setting(text) for text in options.set))
    except WorldError as error:
        raise TableError(f"--{str(error).replace('_', '-', 1)}") from None
    except PolicyError as error:
        raise TableError(f"--set {error}") from None
    started = time.process_time()
    wanted = list(dict.fromkeys(options.policy or ["adaptive"]))
    out: dict[str, Any] = {"settings": dataclasses.asdict(settings), "repeats": options.repeats}
    runs = _jobs(wanted, PARTS if options.ablations else options.without)
    out["runs"] = {
        name: _averaged(settings, policy, options.repeats, without, overlap)
        for name, without, overlap in runs
    }
    if "table" in wanted:
        table = policy_table(seed=settings.seed, objects=max(settings.scenes * settings.objects, 1000))
        out["table"] = {
            name: {str(p): dataclasses.asdict(row) for p, row in rows.items()} for name, rows in table.items()
        }
    if "spam" in wanted:
        out["spam"] = spam_trial(seed=settings.seed, policy=policy)
    if "specialists" in wanted:
        out["specialists"] = specialist_trial(seed=settings.seed, policy=policy)
    out["cpu_seconds"] = round(time.process_time() - started, 2)
    if options.out:
        try:
            options.out.write_text(json.dumps(out, indent=2) + "\n")
        except OSError as error:
            raise TableError(f"--out {options.out}: {error.strerror}; choose another path") from None
    return out


def _jobs(wanted: Sequence[str], ablated: Sequence[str]) -> list[tuple[str, tuple[str, ...], int]]:
    """Return (name, parts left out, fixed overlap) of every job to simulate."""
    jobs: list[tuple[str, tuple[str, ...], int]] = []
    if "adaptive" in wanted:
        jobs.append(("adaptive", (), 0))
        jobs += [(f"without_{part}", (part,), 0) for part in dict.fromkeys(ablated)]
    if "fixed" in wanted:
        jobs.append((f"fixed_{OVERLAP}", (), OVERLAP))
    return jobs


def _averaged(
    settings: Settings, policy: RoutingPolicy, repeats: int, without: tuple[str, ...], overlap: int
) -> dict[str, Any]:
    """Return the means over the seeds, and their standard errors; what is no number in every run is left out."""
    reports = [
        _flat(
            simulate_batch(
                dataclasses.replace(settings, seed=settings.seed + n),
                policy,
                without=without,
                fixed_overlap=overlap,
            )
        )
        for n in range(repeats)
    ]
    out: dict[str, Any] = {}
    spread: dict[str, float] = {}
    for name in reports[0]:
        values = [float(report[name]) for report in reports if report[name] is not None]
        mean = sum(values) / len(values) if values else None
        out[name] = mean
        if mean is not None and len(values) > 1:
            variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
            spread[name] = (variance / len(values)) ** 0.5
    return {**out, "spread": spread} if repeats > 1 else out


def _flat(report: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in report.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{name}.")
        else:
            out[f"{prefix}{name}"] = value
    return out


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise PolicyError(f"{text!r}: write NAME=VALUE")
    try:
        return name.strip(), json.loads(value)
    except json.JSONDecodeError:
        raise PolicyError(
            f"{name}: {value!r} is not a JSON value; write a number, true or an object"
        ) from None
