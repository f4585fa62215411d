"""The command that says what to cite."""

from __future__ import annotations

import typer

from stochhh.cli.app import Overrides, ScenarioName, app


@app.command()
def cite(scenario: ScenarioName, overrides: Overrides = None) -> None:
    """Print the papers behind a run as BibTeX: its scenario, channels, methods and analyses."""
    from stochhh import __version__
    from stochhh.papers import papers_behind, software_entry
    from stochhh.simulate import resolve_experiment

    papers = papers_behind(resolve_experiment(scenario, overrides or ()))
    typer.echo(software_entry(__version__))
    for paper in papers:
        typer.echo(f"\n% {', '.join(paper.reasons)}\n{paper.bibtex}")
    unknown = [paper.source for paper in papers if not paper.known]
    if unknown:
        typer.echo(f"not in our list, so without title or year: {', '.join(unknown)}", err=True)
