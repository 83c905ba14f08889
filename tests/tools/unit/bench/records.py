"""Results as a run would make them."""

from bench.measurements import Measurement, Results, Surroundings

SURROUNDINGS = Surroundings(
    date="2026-11-24T12:00+00:00", commit="abc1234", machine="a machine", versions={"Python": "3.11"}, seconds=90
)


def results_of(*measurements: Measurement) -> Results:
    """Results with these measurements."""
    return Results(SURROUNDINGS, measurements)


def measured(scenario: str, system: str, figures: dict[str, float], case: str = "", repetition: int = 0) -> Measurement:
    """One measurement."""
    return Measurement(scenario, system, case, repetition, figures)
