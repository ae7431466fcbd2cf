"""Write a page as plain text for mail, as Markdown, or as one HTML file with its pictures."""

import re
import textwrap
from html import escape

from clientele.brief.page import Brief, Said, value_of
from clientele.brief.pictures import bars

WIDTH = 76
CHANGES, CAMPAIGNS, STATE = "What has changed", "What the last campaigns brought", "What to know"
WORDS = {"stale": "Stale", "failed": "Failed", "warning": "Warning"}
NO_STATE = "Nothing is stale, and nothing failed."
# Characters that mean something in Markdown.
MARKS = re.compile(r"([\\`*_\[\]<>|])")
STYLE = """
:root { color-scheme: light dark; --ink: #16191d; --muted: #50575f; --ground: #fff; --line: #d5dae0;
  --bar: #9fb3c4; --now: #00639c; --band: #e6a0002e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --muted: #aab3bc; --ground: #14191e;
  --line: #333c45; --bar: #56697a; --now: #6db9ee; --band: #e6a00040; } }
body { margin: 0 auto; max-width: 46rem; padding: 1.5rem; color: var(--ink);
  background: var(--ground); font: 16px/1.5 system-ui, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.8rem 0 .3rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.1rem 0 .2rem; } p { margin: .2rem 0; }
.lead { font-size: 1.1rem; } .small, footer { color: var(--muted); font-size: .85rem; }
code { font-size: .85rem; overflow-wrap: anywhere; } ul { padding-left: 1.2rem; margin: .3rem 0; }
svg { width: 100%; height: auto; display: block; margin: .4rem 0; }
.bar { fill: var(--bar); } .now { fill: var(--now); } .band { fill: var(--band); }
.usual { stroke: #b57d00; stroke-width: 1.5; } svg text { fill: var(--muted); font-size: 11px; }
.stale, .failed { border-left: 4px solid #c8402f; padding-left: .5rem; list-style: none; }
"""


def as_text(page: Brief) -> str:
    """Return the page as text of at most ``WIDTH`` characters a line, commands excepted."""
    lines = [page.title, "=" * min(len(page.title), WIDTH), *_wrapped(" ".join(page.lead)), ""]
    lines += [CHANGES, "-" * len(CHANGES)]
    for number, said in enumerate(page.said, 1):
        lines += _wrapped(f"{number}. {said.title}", "   ")
        lines += _wrapped(" ".join([*said.sentences, f"Next: {said.advice}"]), "   ", "   ")
        lines += [f"   > {said.command}"] if said.command else []
        lines.append("")
    if not page.said:
        lines += [*_wrapped(page.none), ""]
    if page.campaigns:
        lines += [CAMPAIGNS, "-" * len(CAMPAIGNS)]
        for sentence in page.campaigns:
            lines += _wrapped(f"- {sentence}", "  ")
        lines.append("")
    lines += [STATE, "-" * len(STATE)]
    for condition in page.conditions:
        lines += _wrapped(f"- {WORDS[condition.kind]}: {condition.text}", "  ")
    lines += [] if page.conditions else [NO_STATE]
    return "\n".join([*lines, "", *_wrapped(page.footer)]) + "\n"


def as_markdown(page: Brief) -> str:
    """Return the page as Markdown, without pictures."""
    lines = [f"# {_marked(page.title)}", "", _marked(" ".join(page.lead)), "", f"## {CHANGES}", ""]
    for number, said in enumerate(page.said, 1):
        text = _marked(" ".join([*said.sentences, f"Next: {said.advice}"]))
        command = f"\n\n   `{said.command}`" if said.command else ""
        lines += [f"{number}. **{_marked(said.title)}**", "", f"   {text}{command}", ""]
    if not page.said:
        lines += [_marked(page.none), ""]
    if page.campaigns:
        lines += [f"## {CAMPAIGNS}", ""]
        lines += [*(f"- {_marked(sentence)}" for sentence in page.campaigns), ""]
    lines += [f"## {STATE}", ""]
    lines += [f"- **{WORDS[one.kind]}:** {_marked(one.text)}" for one in page.conditions]
    lines += [] if page.conditions else [NO_STATE]
    return "\n".join([*lines, "", f"*{_marked(page.footer)}*"]) + "\n"


def as_html(page: Brief) -> str:
    """Return the page as one HTML file that loads nothing."""
    parts = [f"<h1>{escape(page.title)}</h1>"]
    parts += [f'<p class="lead">{escape(sentence)}</p>' for sentence in page.lead]
    parts.append(f"<h2>{CHANGES}</h2>")
    parts += [_html_change(number, said, page.word) for number, said in enumerate(page.said, 1)]
    parts += [] if page.said else [f"<p>{escape(page.none)}</p>"]
    if page.campaigns:
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in page.campaigns)
        parts.append(f"<h2>{CAMPAIGNS}</h2><ul>{items}</ul>")
    items = "".join(
        f'<li class="{one.kind}"><b>{WORDS[one.kind]}:</b> {escape(one.text)}</li>'
        for one in page.conditions
    )
    parts.append(f"<h2>{STATE}</h2>" + (f"<ul>{items}</ul>" if items else f"<p>{NO_STATE}</p>"))
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(page.title)}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
{body}
<footer><p>{escape(page.footer)}</p></footer>
</body>
</html>
"""


WRITERS = {".html": as_html, ".md": as_markdown, ".txt": as_text}


def _html_change(number: int, said: Said, word: str) -> str:
    change = said.change
    # A segment has few days to be compared with, and they are no series.
    picture = ""
    if change.dimension not in ("behaviour", "rfm"):
        picture = bars(
            change.history[::-1],
            change.usual,
            (change.low, change.high),
            lambda value: value_of(value, said.unit),
            f"{said.title}, each bar a {word}" if " " not in word else f"{said.title}, by {word}",
        )
    command = ""
    if said.command:
        command = f'<p class="small"><code>{escape(said.command)}</code></p>'
    return (
        f"<h3>{number}. {escape(said.title)}</h3>"
        f"<p>{escape(' '.join(said.sentences))}</p>{picture}"
        f"<p><b>Next:</b> {escape(said.advice)}</p>{command}"
    )


def _wrapped(text: str, later: str = "", first: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _marked(text: str) -> str:
    return MARKS.sub(r"\\\1", text)
