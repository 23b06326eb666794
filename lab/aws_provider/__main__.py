"""Start the plugin: `python -m lab.aws_provider`, by Terraform only."""

from __future__ import annotations

import sys

from lab.aws_provider.server import serve

if __name__ == "__main__":
    sys.exit(serve())
