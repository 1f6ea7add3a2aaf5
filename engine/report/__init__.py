"""The parts of the HTML report of an evaluation; ``engine.report.page`` puts them together."""
