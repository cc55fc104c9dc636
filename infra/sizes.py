"""`python -m infra.sizes`: how long the files are. Prints the spread; ends with 1 where a file is over the limit."""

import statistics
import subprocess
import sys
from pathlib import Path

LIMIT = 500
LARGE = 300


def sizes(root: Path) -> dict[str, int]:
    """Lines of every Python and SQL file that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.sql"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return {
        name: len((root / name).read_text(encoding="utf-8").splitlines()) for name in listed if (root / name).exists()
    }


def main() -> int:
    """Print the spread, and the files that are over."""
    found = {name: lines for name, lines in sizes(Path(__file__).parent.parent).items() if lines > 1}
    lines = sorted(found.values())
    source = [n for name, n in found.items() if not name.startswith("tests/")]
    tests = [n for name, n in found.items() if name.startswith("tests/")]
    print(  # noqa: T201
        f"{len(found)} files, {sum(source):,} lines of source and {sum(tests):,} of tests; "
        f"median {statistics.median(lines):.0f}, nine in ten under {lines[int(len(lines) * 0.9)]}, largest {lines[-1]}"
    )
    for name, count in sorted(found.items(), key=lambda item: -item[1]):
        if count > LARGE:
            print(f"  {count:4} {name}{'  OVER THE LIMIT' if count > LIMIT else ''}")  # noqa: T201
    return 1 if lines[-1] > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
