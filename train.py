"""Trains a generator: `accelerate launch train.py image --help`."""

import sys

from gan.training.__main__ import main

if __name__ == "__main__":
    sys.exit(main(program="train.py"))
