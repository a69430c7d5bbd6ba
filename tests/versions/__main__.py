"""``python tests/colab``, which is what ``make test-colab`` runs."""

import sys

from lessons_there import main

sys.exit(main())
