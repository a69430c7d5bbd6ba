"""``python -m ftlib.lessons``, the same as ``python -m ftlib lessons``."""

from ftlib.lessons.command import main

raise SystemExit(main())
