"""Cuts the compact extract `data/profiles.csv.gz` out of a SimBench wheel.

    pip download --no-deps simbench==1.6.3 && python -m infra.demo.make_profiles simbench-1.6.3-py3-none-any.whl

Four winter weeks (Monday 11 January to Sunday 7 February 2016, no clock change, no holiday), 15-minute steps of local
time, per mille of the installed power. The notice that goes with the data is `data/NOTICE.md`.
"""

import csv
import gzip
import io
import sys
from pathlib import Path
from zipfile import BadZipFile, ZipFile

GRID = "simbench/networks/1-complete_data-mixed-all-0-sw"
FIRST, STEPS = "11.01.2016 00:00", 28 * 96
TABLES = {
    "LoadProfile.csv": (
        "H0-H_pload", "G0-M_pload", "G4-M_pload", "L2-M_pload", "HS17_pload", "HS23_pload",
        "G3-H_pload", "HS3_pload", "HS16_pload", "HS25_pload", "HS26_pload",
    ),
    "RESProfile.csv": ("PV3", "PV4", "PV6", "WP1", "WP5", "WP9", "WP12", "Hydro3", "BM1", "BM4"),
    "PowerPlantProfile.csv": ("pp_75", "pp_77", "pp_88"),
}  # fmt: skip
OUT = Path(__file__).with_name("data") / "profiles.csv.gz"


def columns(wheel: ZipFile, table: str, names: tuple[str, ...]) -> list[list[int]]:
    """The named profiles of one table over the extract's steps, per mille. Raises KeyError without the table."""
    with wheel.open(f"{GRID}/{table}") as raw:
        rows = csv.reader(io.TextIOWrapper(raw, "utf-8"), delimiter=";")
        header = next(rows)
        places = [header.index(name) for name in names]
        cut: list[list[str]] = []
        for row in rows:
            if cut or row[0] == FIRST:
                cut.append([row[place] for place in places])
            if len(cut) == STEPS:
                break
    return [[round(float(value) * 1000) for value in column] for column in zip(*cut, strict=True)]


def main(arguments: list[str]) -> int:
    """Writes the extract; the same bytes each time."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m infra.demo.make_profiles SIMBENCH_WHEEL\n")
        return 2
    try:
        with ZipFile(arguments[0]) as wheel:
            found = [column for table, names in TABLES.items() for column in columns(wheel, table, names)]
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        sys.stderr.write(f"{arguments[0]}: not a SimBench wheel that can be read ({error}); give the 1.6.3 wheel\n")
        return 2
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(name.removesuffix("_pload") for names in TABLES.values() for name in names)
    writer.writerows(zip(*found, strict=True))
    OUT.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
