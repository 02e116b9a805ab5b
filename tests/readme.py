"""The README's accuracy table, made from the committed counts: `python -m tests.readme` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator

from tests.accuracy.report import COLUMNS, read_counts
from tests.shared import ROOT

README = ROOT / "README.md"
EXPECTED = ROOT / "tests" / "accuracy" / "expected"
BEGIN, END = "<!-- accuracy -->\n", "<!-- /accuracy -->"
RECORDINGS = ("a", "c", "autumn_night", "breaks")
HEADS: tuple[str, ...] = (
    "recording",
    "sources",
    "facts right",
    "certain",
    "borderline",
    "estimated right + wrong",
    "unknown",
    "too many",
    "certain and wrong",
)


def rows() -> Iterator[tuple[str, ...]]:
    """One row per recording and set of sources; calls that a stop of the PBX or a gap of AMI cut stay out."""
    for recording in RECORDINGS:
        for name, stories in read_counts(EXPECTED / f"{recording}.json").items():
            if name == "all shuffled":  # equal to "all": a test of its own
                continue
            whole = [numbers for story, numbers in stories.items() if not story.startswith("(")]
            n = dict(zip(COLUMNS, map(sum, zip(*whole, strict=True)), strict=True))
            asserted = n["right"] + n["wrong"] + n["unknown"] + n["missing"]
            yield (
                recording,
                name.replace("+", " + "),
                f"{n['right']} of {asserted} ({100 * n['right'] / asserted:.1f} %)",
                str(n["certain_right"]),
                str(n["borderline"]),
                f"{n['estimated_right']} + {n['estimated_wrong']}",
                str(n["judged_unknown"]),
                str(n["excess"]),
                str(n["certain_wrong"]),
            )


def table() -> str:
    """The table as Markdown."""
    lines = [HEADS, ("---",) * 2 + ("---:",) * (len(HEADS) - 2), *rows()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def written(text: str) -> str:
    """The README with the table of now between its marks."""
    head, _, rest = text.partition(BEGIN)
    _, mark, tail = rest.partition(END)
    if not mark:
        raise ValueError(f"README.md: no {BEGIN.strip()} … {END}")
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
