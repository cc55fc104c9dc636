"""Tables for reading: in full whatever the width, since a number that is cut is another number."""

from collections.abc import Collection, Iterator, Sequence

from rich.cells import cell_len


def shown(text: str) -> str:
    """A text without what a terminal would obey rather than show."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> Iterator[str]:
    """A header and rows as lines, columns two blanks apart; those named in `right` are flush right."""
    cells = [list(header), *(list(map(shown, row)) for row in rows)]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    for row in cells:
        padded = []
        for name, width, cell in zip(header, widths, row, strict=True):
            blanks = " " * (width - cell_len(cell))
            padded.append(blanks + cell if name in right else cell + blanks)
        yield "  ".join(padded).rstrip()
