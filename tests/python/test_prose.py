"""The project's texts are plain English, and its Markdown fits the width of an editor."""

import re
import subprocess

from conftest import PROJECT

WIDTH = 120
# Words that slow a reader down, each with the plain one. Matches are whole words, in any case.
QUAINT = {
    r"foret(ell|ells|elling|old)": "predict",
    r"mend(s|ed|ing)?": "fix",
    r"anew": "again",
    r"of late": "recently",
    r"n[ao]ught": "nothing, or 0",
    r"next to nothing": "near 0",
    r"no news": "say what it is instead",
    r"nobody's": "without an owner, or of no customer",
    r"whoever|whomever|whosoever": "a customer who, anyone who",
    r"whatsoever|wheresoever": "any",
    r"whence|thence|hence(forth|forward)": "from where, from there, from now on",
    r"whither|thither|hither": "to where, to there, to here",
    r"(there|where|here)(of|in|upon|unto|with|from)": "of it, in it, on it, with it",
    r"lest": "so that ... not",
    r"albeit": "although",
    r"whilst|amongst|amidst": "while, among",
    r"betwixt|unto|nigh": "between, to, near",
    r"shall": "must, or the present tense",
    r"(speak|speaks|spoke|tells?|told) of": "describe",
    r"(speak|speaks|spoke) against": "warn, or: is a reason to distrust",
    r"(become|becomes|became) of": "happen to",
    r"all the same": "nevertheless, too",
    r"for want of": "because there is no",
    r"needs? not": "does not have to",
    r"once more": "again",
    r"(tells?|told|telling)( \w+){0,4} apart": "distinguish, differ",
    r"likeliest": "most likely",
    r"fortnight": "two weeks",
    r"yardstick": "measure, reference",
    r"beside": "next to, with, compared with",
    r"(no|any|some|every)body": "no one, anyone, someone, everyone",
    r"alike": "equal, similar, the same",
    r"commonest": "most common",
    r"(say|says|said) of": "say about",
    r"beforehand": "first, before",
}
PATTERN = re.compile(rf"\b({'|'.join(QUAINT)})\b", re.I)
TEXTS = {".md", ".py", ".sql", ".yml", ".yaml", ".toml", ".js", ".mjs", ".css", ".csv", ".ini", ""}
# Data, generated files, and this list.
EXCLUDED = re.compile(
    r"^(LICENSE|\.gitignore|seeds/sample/.*|tests/python/sample_truth/.*|docs/contracts\.csv"
    r"|tests/python/test_prose\.py|src/clientele/dashboard/assets/plot\.js)$"
)


def tracked(suffixes):
    """Return the project's own text files: tracked by git, of one of the suffixes."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [PROJECT / name for name in sorted(listed.stdout.split("\0")) if name]
    return [
        file
        for file in files
        if file.is_file()
        and file.suffix in suffixes
        and not EXCLUDED.match(str(file.relative_to(PROJECT)))
    ]


def released(text):
    """Return the number of the line at which a changelog's released versions start, or none."""
    heading = re.search(r"^## (?!.*Unreleased).*\d+\.\d+\.\d+.*$", text, re.M)
    return text.count("\n", 0, heading.start()) + 1 if heading else None


def quaint_words(text):
    """Return (line, word, advice) for each quaint word of a text."""
    return [
        (
            number,
            match[0],
            next(say for word, say in QUAINT.items() if re.fullmatch(word, match[0], re.I)),
        )
        for number, line in enumerate(text.splitlines(), 1)
        for match in PATTERN.finditer(line)
    ]


def long_lines(text):
    """Return the numbers of the lines of Markdown that are too long.

    Tables, link targets and code may be longer. Code is text between fences, in formulas between
    ``$$``, and in blocks of HTML.
    """
    too_long, end = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if end:
            end = None if line.strip().endswith(end) else end
            continue
        begin = re.match(r"\s*(```|\$\$|<div)", line)
        if begin:
            closing = {"<div": "</div>"}.get(begin[1], begin[1])
            rest = line[begin.end() :].strip()
            end = None if rest.endswith(closing) else closing
            continue
        if line.startswith("|"):
            continue
        shown = re.sub(r"\]\([^)]*\)|<https?:[^>]*>|https?:\S+", "", line)
        if len(shown) > WIDTH:
            too_long.append(number)
    return too_long


def test_no_text_uses_quaint_words():
    found = []
    for file in tracked(TEXTS):
        text = file.read_text(encoding="utf-8")
        history = released(text) if file.name == "CHANGELOG.md" else None
        found += [
            f"{file.relative_to(PROJECT)}:{number}: “{word}”; plainer: {advice}"
            for number, word, advice in quaint_words(text)
            if history is None or number < history
        ]
    assert not found, f"{len(found)} quaint words\n" + "\n".join(found)


def test_markdown_is_wrapped():
    found = [
        f"{file.relative_to(PROJECT)}:{number}: over {WIDTH} characters"
        for file in tracked({".md"})
        for number in long_lines(file.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def test_a_quaint_word_is_found_with_its_line_and_its_plain_word():
    text = "Recommended methods\nWhat was Foretold is made anew.\n"
    assert quaint_words(text) == [(2, "Foretold", "predict"), (2, "anew", "again")]


def test_long_lines_of_tables_code_formulas_and_links_are_allowed():
    long = "word " * 30
    for allowed in (
        f"| {long} |",
        f"```\n{long}\n```",
        f"$$ {long} $$",
        f"$$\n{long}\n$$",
        f'<div class="cards">${{card("{long}")\n{long}}}</div>',
        f"[short](https://example.org/{'x' * 120})",
    ):
        assert long_lines(f"# Title\n{allowed}\nshort\n") == []
    assert long_lines(f"# Title\n```\n{long}\n```\n{long}\n") == [5]
    assert long_lines(f"{long}[link](x)\n") == [1]


def test_released_versions_of_a_changelog_may_use_the_words_of_their_time():
    text = "# Changelog\n\n## Unreleased (0.2.0)\n\n- new\n\n## 0.1.0 (2026-01-01)\n\n- made anew\n"
    assert released(text) == 7
    assert released("# Changelog\n\n## Unreleased (0.1.0)\n") is None
