"""`python -m infra COMMAND`: the same as `tengerim COMMAND`."""

import sys

from infra.cli import main

sys.exit(main())
