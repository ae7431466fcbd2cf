"""Tell what is wrong with a delimited file most of whose lines are broken, or that is cut off."""

from collections import Counter
from pathlib import Path

from clientele.sources.common import UnreadableSource, counted

CUT_OFF = "the file may be cut off"
# Letters of an example, and bytes of a last record that are looked at.
SHOWN, LONGEST = 80, 1 << 26
# Lines that a broken cell may go on for.
MOST_SWALLOWED = 5


def refuse_other_width(file: Path, lines: list[tuple], good: int, width: int) -> None:
    """Refuse a file in which most lines have another number of cells than the header has names.

    Args:
        file: The file.
        lines: The number, the cells and the text of each line that does not fit the header.
        good: How many lines fit it.
        width: How many names the header has.

    Raises:
        UnreadableSource: the message shows a line, and what to do.
    """
    widths = Counter(len(cells) for _, cells, _ in lines)
    cells, found = widths.most_common(1)[0] if widths else (0, 0)
    total = good + len(lines)
    if found <= total / 2 or cells == width:
        return
    as_wide = [entry for entry in lines if len(entry[1]) == cells]
    if cells < width:
        remedy = (
            "Take the names without cells out of the header, or say with `header_row` which line "
            "is the header"
        )
    elif cells == width + 1 and not any(entry[1][-1].strip() for entry in as_wide):
        remedy = (
            "Each line ends with a delimiter: add one at the end of the header, or take it off the "
            "lines"
        )
    else:
        remedy = (
            "If a number such as 10,50 or a text holds the delimiter, export with quotation marks "
            "or another delimiter; or else add the missing names to the header"
        )
    line, _, text = as_wide[0]
    raise UnreadableSource(
        f"{file}: {found:,} of {counted(total, 'line')} have {counted(cells, 'cell')} under the "
        f"{counted(width, 'name')} of the header, such as line {line}: '{text[:SHOWN]}'. {remedy}"
    )


def refuse_open_quote(file: Path, line: int, content: str) -> None:
    """Refuse a broken record that has swallowed lines after a quotation mark.

    Args:
        file: The file.
        line: The number of the record's first line.
        content: Its text.

    Raises:
        UnreadableSource: it is longer than a cell with several lines makes it.
    """
    swallowed = content.count("\n")
    if swallowed > MOST_SWALLOWED:
        raise UnreadableSource(
            f"{file}: a quotation mark that opens in line {line} is closed nowhere near: "
            f"{counted(swallowed, 'line')} after it would be lost. Close it or take it out, or "
            "write `quote: ''` if such marks are plain characters in this file"
        )


def describe_cut_off(file: Path, text: Path, line: int, place: int | None, quote: str) -> list[str]:
    """Return a sentence if the broken line at a byte of a UTF-8 copy is where the file is cut off.

    That is the last line, without an end, or one with a quotation mark that nothing closes.
    """
    size = text.stat().st_size
    if place is None or size - place > LONGEST:
        return []
    with open(text, "rb") as binary:
        binary.seek(place)
        tail = binary.read().lstrip(b"\r\n")
    is_open = bool(quote) and tail.count(quote.encode()) % 2 == 1
    if not tail.strip(b"\r\n").count(b"\n") and not tail.endswith((b"\n", b"\r")):
        where = " inside a quoted field" if is_open else ""
        return [f"{file}: the last line ({line}) breaks off{where}: {CUT_OFF}. Copy it again."]
    if is_open:
        return [
            f"{file}: a quotation mark that opens in line {line} is never closed, and all after it "
            f"is lost: {CUT_OFF}. Copy it again, or close the mark."
        ]
    return []
