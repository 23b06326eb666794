"""Start the plugin: without arguments by Terraform, with `--many` by `lab/terraform.py`."""

from __future__ import annotations

import sys

from lab.aws_provider.server import serve, serve_many

if __name__ == "__main__":
    sys.exit(serve_many() if sys.argv[1:] == ["--many"] else serve())
