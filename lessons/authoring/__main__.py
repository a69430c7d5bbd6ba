"""``python -m authoring.notebooks``, the same as ``python -m authoring lessons``."""

from authoring.notebooks.command import main

raise SystemExit(main())
