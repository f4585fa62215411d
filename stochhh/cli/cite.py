"""The command that says what to cite."""

from __future__ import annotations

from stochhh.cli.app import Overrides, ScenarioName, app


@app.command()
def cite(scenario: ScenarioName, overrides: Overrides = None) -> None:
    """Print the papers behind a run as BibTeX: its scenario, channels, methods and analyses."""
    from stochhh.papers import papers_behind, written
    from stochhh.screen import say
    from stochhh.simulate import resolve_experiment

    papers = papers_behind(resolve_experiment(scenario, overrides or ()))
    say(written(papers), kept="\n")
    unknown = [paper.source for paper in papers if not paper.known]
    if unknown:
        say(f"not in our list, so without title or year: {', '.join(unknown)}", err=True)
