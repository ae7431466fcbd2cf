"""Read `sources/<name>.yml`: dbt vars that locate the raw data and describe their columns."""

from pathlib import Path

import yaml


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice; the plain loader silently keeps the last."""


def _mapping(loader, node, deep=False):
    seen = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise ValueError(f"line {line}: '{key}' is given twice; keep one")
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_yaml(text: str):
    """Return what a YAML text holds. Raises ``ValueError`` for a key given twice or bad YAML."""
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no valid YAML: {_explained(error, text)}") from None


def _explained(error: yaml.YAMLError, text: str) -> str:
    """Return where a YAML text breaks off, what stands there, and a remedy, in one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"{str(error).splitlines()[0]}; save it again as UTF-8 text"
    lines = text.splitlines() or [""]
    number = min(mark.line, len(lines) - 1)
    line, where = lines[number], f"line {number + 1}"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return f"{where} begins with a tab; use blanks instead of tabs"
    shown = f"`{line.strip()}`" if line.strip() else "the end of the text"
    return (
        f"{where}, {shown}: {error.problem or 'it cannot be read'}; look at the indentation, "
        "quotes and brackets of this line and the one before it"
    )


def load_source(name: str, folder: Path) -> dict:
    """Return the vars that ``folder/<name>.yml`` holds.

    This function makes only the checks that need no SQL engine; dbt's start hook makes the others.

    Raises:
        ValueError: no such source, invalid YAML, a key given twice, no `source:`, or a name that
            differs from the file's.
    """
    path = folder / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yml"))) or "none"
        raise ValueError(
            f"no source '{name}': {path} does not exist; known sources are {known}; "
            "copy sources/template.yml for your own"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text; save it as UTF-8") from None
    try:
        settings = yaml.load(text, Loader=_StrictLoader)
    except ValueError as error:
        raise ValueError(f"{path}, {error}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no valid YAML: {_explained(error, text)}") from None
    if not isinstance(settings, dict) or not isinstance(settings.get("source"), dict):
        raise ValueError(f"{path} must hold `source:` and its settings; see sources/template.yml")
    if settings["source"].get("name") != name:
        raise ValueError(f"{path}: `name` must be '{name}', the file's own name")
    return settings


def project_vars(project: Path, overridden: dict | None = None) -> dict:
    """Return the vars of dbt_project.yml, with ``overridden`` ones in their place."""
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8")) or {}
    return (settings.get("vars") or {}) | (overridden or {})
