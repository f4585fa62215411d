"""Commands that say what there is: scenarios, schemes, keys."""

from __future__ import annotations

import typer

from stochhh.cli.app import app


@app.command()
def schema() -> None:
    """Print the JSON Schema of scenario files, for completion in editors."""
    import json

    from stochhh.scenario import file_schema

    typer.echo(json.dumps(file_schema(), indent=2, ensure_ascii=True))


@app.command("list")
def list_command() -> None:
    """List the scenarios, channel schemes and methods that come with stochhh."""
    from rich.table import Table

    from stochhh.kinetics.files import library_schemes, load_scheme
    from stochhh.methods import METHODS
    from stochhh.scenario import library_scenarios, load_experiment
    from stochhh.screen import Screen

    entries = {
        "scenario": {
            name: load_experiment(path).title for name, path in library_scenarios().items()
        },
        "channel scheme": {name: load_scheme(name).title for name in library_schemes()},
        "method": {
            "auto": "exact where that is affordable, else leap; says which it took and why",
            **{name: method.title for name, method in METHODS.items()},
        },
    }
    for kind, titles in entries.items():
        table = Table(box=None, pad_edge=False)
        table.add_column(kind, no_wrap=True)
        table.add_column("what it is")
        for name, title in titles.items():
            table.add_row(name, title)
        Screen().print(table, "")
