"""Run the command line as ``python -m stochhh``."""

from stochhh.cli import main

main()
