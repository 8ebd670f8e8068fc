"""The tables of a scenario's faults, with the names that applications give them."""

from __future__ import annotations

from bot.lab.random_faults.scenario import Part
from bot.lab.random_faults.stage import Stage

NAMES = {"plain": "faults_{n}", "mixed_case": "Faults-{n} Old", "odd": "faults%s`{n}`'s"}
ROWS = 20


def make_table(stage: Stage, part: Part, engine: str = "InnoDB", on: str = "") -> str:
    """Creates a table with a few rows for one fault, and returns its name, quoted; it is dropped after the scenario."""
    stage.tables += 1
    name = NAMES[part.text("table", "plain")].replace("{n}", str(stage.tables))
    quoted = "shop.`" + name.replace("`", "``") + "`"
    rows = ", ".join(f"({each}, 'old')" for each in range(ROWS))
    where = on or part.on
    stage.after(where, f"DROP TABLE IF EXISTS {quoted}")
    stage.admin(
        where,
        f"DROP TABLE IF EXISTS {quoted}",
        f"CREATE TABLE {quoted} (id INT AUTO_INCREMENT PRIMARY KEY, n INT NOT NULL,"
        f" note VARCHAR(20) NOT NULL DEFAULT '') ENGINE={engine}",
        f"INSERT INTO {quoted} (n, note) VALUES {rows}",
    )
    return quoted
