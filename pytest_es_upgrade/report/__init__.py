"""Reports: functions of results alone, by the suffix of the file that they are written to."""

from .merging import merge
from .words import number, verdict_sentence
from .writing import WRITERS, check_path, write

__all__ = ["WRITERS", "check_path", "merge", "number", "verdict_sentence", "write"]
