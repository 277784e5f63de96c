# ruff: noqa: E402 - patching comes first
"""A program that gevent patches, as its first lines do in people's programs: the app is the one named by APP."""

from gevent import monkey

monkey.patch_all()

import os
import runpy

if __name__ == "__main__":
    runpy.run_module(os.environ["APP"], run_name="__main__")
