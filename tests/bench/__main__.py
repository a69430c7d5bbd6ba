"""``python tests/bench``, which is what ``make bench`` runs."""

import sys

from compare_speed import main

sys.exit(main())
