"""The parts of the HTML report of an evaluation; ``engine.html_report`` puts them together."""
