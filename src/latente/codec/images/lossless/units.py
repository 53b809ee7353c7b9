"""In which steps the networks compute: the same while training, and in integers."""

from __future__ import annotations

__all__ = ["ACTIVATION", "GAIN", "SLOW", "UNIT", "WEIGHT"]

ACTIVATION = 255  # steps from 0 to 1 of a hidden unit
WEIGHT = 127  # steps from 0 to the largest weight of a unit
GAIN = 8  # of the second feature of what another colour left
UNIT = 32.0  # grey levels that the hidden units are made for
SLOW = 0.02  # what a step of the optimiser moves a linear path by, over its learning rate: it starts near its end
