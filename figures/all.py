"""Make every figure and the page about them: ``python figures/all.py [--quick] [--jobs N]``.

A figure is any script beside this one. Its docstring says what it shows: the first line
is its title, DOIs are linked. At full size, or drawn again from the kept data with
``--replot``, the page ``figures/README.md`` and its small pictures are made anew.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
NOT_FIGURES = {"all", "common"}
THUMBNAILS, PAGE = HERE / "thumbnails", HERE / "README.md"
LARGEST_PIXELS, COLOURS = (480, 400), 48  # of a small picture; some 20 kB
DOI = re.compile(r"doi:(10\.\S+?)(?=[.,;:]?(?:\s|$)|\)[.,;:]?(?:\s|$))")
INTRODUCTION = """\
# Figures that reproduce the literature

Each script simulates a published experiment with the public interface, keeps its data in
`data/`, draws it, and prints each published, or theoretical, number beside ours. An
interval holds ours with 95 %; a tolerance is what is allowed beyond it. `>` and `<` stand
where only a shape is published: ours, with its interval, has to lie on that side.

`python figures/all.py` makes all of it, and this page (`--jobs N` of them at a time;
`--quick` makes small versions in seconds, without this page; `--replot` draws from the
kept data). Minutes are those of one script on two cores that had other work too, the
last time it was run at full size; a dash stands where they were not kept.
"""


def make(script: Path, options: list[str]) -> tuple[Path, subprocess.CompletedProcess[str]]:
    command = [sys.executable, str(script), *options]
    return script, subprocess.run(command, capture_output=True, text=True, check=False)


def docstring(script: Path) -> tuple[str, str]:
    """Title of a script, and what it says below."""
    said = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or script.stem
    title, _, body = said.partition("\n")
    return title.rstrip("."), body.strip()


def linked(text: str) -> str:
    """Text with its DOIs as links."""
    return DOI.sub(lambda found: f"[{found[0]}](https://doi.org/{found[1]})", text)


def thumbnail(picture: Path) -> None:
    """Write a small copy of a picture."""
    THUMBNAILS.mkdir(exist_ok=True)
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    whole.thumbnail(LARGEST_PIXELS, Image.Resampling.LANCZOS)
    whole.quantize(COLOURS).save(THUMBNAILS / picture.name, optimize=True)


def verdict(checks: list[dict[str, Any]]) -> str:
    agreed = sum(one["agrees"] for one in checks)
    if agreed == len(checks):
        return f"all {agreed} agree"
    return f"**{len(checks) - agreed} of {len(checks)} disagree**"


def minutes(seconds: float) -> str:
    if seconds != seconds:  # kept data from before times were kept
        return "–"
    return "< 0.1" if seconds < 6 else f"{seconds / 60:.1f}"


def table(checks: list[dict[str, Any]]) -> str:
    """Numbers beside the published ones."""
    lines = ["| | source | published | ours | 95 % | tolerance | |", "|" + "---|" * 7]
    for one in checks:
        sign = "" if one["relation"] == "=" else f"{one['relation']} "
        ends = "" if one["interval"] is None else "{:.4g} to {:.4g}".format(*one["interval"])
        said = "agrees" if one["agrees"] else "**disagrees**"
        lines.append(
            f"| {one['what']} | {one['source']} | {sign}{one['published']:.6g} "
            f"| {one['ours']:.5g} | {ends} | {one['tolerance']:.2g} | {said} |"
        )
    return "\n".join(lines)


def page(scripts: list[Path], out: Path) -> str:
    """Text of the page: a table of all figures, then each with its numbers."""
    rows, sections = [], []
    for script in scripts:
        name = script.stem
        title, body = docstring(script)
        told = json.loads((out / f"{name}.json").read_text(encoding="utf-8"))
        first = DOI.search(body)
        paper = f"[{first[1]}](https://doi.org/{first[1]})" if first else "–"
        rows.append(
            f"| [<img src='thumbnails/{name}.png' width='200'>](#{name.lower()}) | {title} "
            f"| {paper} | `python figures/{script.name}` | {minutes(told['compute_s'])} "
            f"| {verdict(told['checks'])} |"
        )
        sections += [
            f"## {name}",
            f"**{title}.** {linked(body)}",
            f"![{title}](thumbnails/{name}.png)",
            table(told["checks"]),
        ]
    heading = "| figure | what it shows | paper | command | minutes | verdict |\n" + "|---" * 6
    return "\n\n".join([INTRODUCTION.strip(), "\n".join([heading + "|", *rows]), *sections]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small versions, in seconds")
    parser.add_argument("--replot", action="store_true", help="draw from the kept data")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="folder for the pictures")
    arguments = parser.parse_args()
    scripts = sorted(path for path in HERE.glob("*.py") if path.stem not in NOT_FIGURES)
    options = ["--out", str(arguments.out)]
    options += [f"--{name}" for name in ("quick", "replot") if getattr(arguments, name)]
    failed, crashed = [], []
    for script in scripts:
        (arguments.out / f"{script.stem}.json").unlink(missing_ok=True)
    with ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        for script, done in pool.map(lambda script: make(script, options), scripts):
            print(done.stdout, done.stderr, sep="", end="", flush=True)
            if done.returncode:
                failed.append(script.stem)
            if not (arguments.out / f"{script.stem}.json").is_file():
                crashed.append(script.stem)
    if crashed:
        print(f"without verdicts: {', '.join(crashed)}; so the page stays as it is")
    elif not arguments.quick:
        for script in scripts:
            thumbnail(arguments.out / f"{script.stem}.png")
        PAGE.write_text(page(scripts, arguments.out), encoding="utf-8")
    print(f"{len(scripts) - len(failed)} of {len(scripts)} figures agree")
    sys.exit(f"disagree or failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
