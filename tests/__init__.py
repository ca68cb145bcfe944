"""Tests, one file per module. `ROOT` is the folder that holds the four floors."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
