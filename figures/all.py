"""Make every figure: ``python figures/all.py [--quick] [--jobs N] [--out DIR]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
NOT_FIGURES = {"all", "common"}


def make(script: Path, options: list[str]) -> tuple[Path, subprocess.CompletedProcess[str]]:
    command = [sys.executable, str(script), *options]
    return script, subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small versions, in seconds")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder for the pictures")
    arguments = parser.parse_args()
    scripts = sorted(path for path in HERE.glob("*.py") if path.stem not in NOT_FIGURES)
    options = [*(["--quick"] if arguments.quick else []), "--out", str(arguments.out)]
    failed = []
    with ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        for script, done in pool.map(lambda script: make(script, options), scripts):
            print(done.stdout, done.stderr, sep="", end="", flush=True)
            if done.returncode:
                failed.append(script.stem)
    print(f"{len(scripts) - len(failed)} of {len(scripts)} figures agree")
    sys.exit(f"disagree or failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
