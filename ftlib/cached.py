"""Where learners' copies of lessons that are older than the course look first."""

from ftlib import OLDER

raise ImportError(OLDER)
