"""A simulated crowd with realistic errors and times.

The models are those of Tessera's design notes: shared item difficulty, rates of false acceptance and refusal, box
noise with heavy tails, misses by size on screen, log-normal times. Never tune the product to the simulator alone:
its parameters are to be refitted from telemetry and gold.
"""

from routing.simulation.annotator import Simulated, SimulatedAnnotator
from routing.simulation.crowd import DEFAULT_MIX, Profile, make_crowd
from routing.simulation.truth import Truth, make_truth

__all__ = [
    "DEFAULT_MIX",
    "Profile",
    "Simulated",
    "SimulatedAnnotator",
    "Truth",
    "make_crowd",
    "make_truth",
]
