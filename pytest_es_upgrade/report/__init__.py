"""Reports: functions of results alone, by the suffix of the file that they are written to."""

from .writing import WRITERS, check_path, write

__all__ = ["WRITERS", "check_path", "write"]
