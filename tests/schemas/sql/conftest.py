"""An archive of its own, as tests of connectors have it."""

from tests.connectors.conftest import archive as archive
