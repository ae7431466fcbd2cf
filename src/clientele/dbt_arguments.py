"""Combine what `clientele build` passes to dbt with dbt arguments that the user gives."""

import json

import yaml

# What clientele decides itself, and what to use instead.
REFUSED = {
    "--project-dir": "change to the project's folder instead",
    "--profiles-dir": "set DBT_PROFILES_DIR instead",
    "--target-path": "set DBT_TARGET_PATH instead, which `clientele publish` reads too",
    "--log-path": "set DBT_LOG_PATH instead",
    "-t": "write --target",
    "--profile": "clientele uses the profile of dbt_project.yml; choose an output with --target",
    "--log-level": "use --verbose to see what dbt prints",
    "--log-level-file": "the log file always holds everything",
    "--log-format": "use --verbose, or read logs/dbt.log",
}


def combine(variables: dict, dbt_arguments: list[str]) -> tuple[dict, list[str]]:
    """Return the vars of one build, and the arguments that are left for dbt.

    dbt uses only the last `--vars` that it is given. Two of them would therefore drop the source.

    Args:
        variables: The vars that the source's file and clientele's own options set.
        dbt_arguments: Arguments of `dbt build` as the user wrote them.

    Raises:
        ValueError: an argument that clientele passes itself, `--vars` that is no YAML mapping, or
            a var with two different values.

    Example:
        >>> combine({"source": {"name": "shop"}}, ["--vars", "{n_clusters: 4}", "--full-refresh"])
        ({'source': {'name': 'shop'}, 'n_clusters': 4}, ['--full-refresh'])
    """
    variables, kept, words = dict(variables), [], iter(dbt_arguments)
    for word in words:
        option, is_joined, value = word.partition("=")
        # click reads a short option with its value in one word.
        option = "-t" if word.startswith("-t") and not word.startswith("--") else option
        if option in REFUSED:
            raise ValueError(f"{option} cannot be passed to dbt: {REFUSED[option]}")
        if option != "--vars":
            kept.append(word)
            continue
        text = value if is_joined else next(words, None)
        for name, given in _vars(text).items():
            if name in variables and _plain(variables[name]) != _plain(given):
                origin = (
                    "--source chooses the source; write its settings into its file in sources/"
                    if name in ("source", "data")
                    else "it has another value in the source's file, in --as-of or in --vars; "
                    "keep one"
                )
                raise ValueError(f"--vars sets `{name}`, which cannot be combined: {origin}")
            variables[name] = given
    return variables, kept


def _vars(text: str | None) -> dict:
    try:
        given = yaml.safe_load(text or "")
    except yaml.YAMLError as error:
        raise ValueError(f"--vars is no valid YAML: {error}") from None
    if not isinstance(given, dict):
        raise ValueError(
            f"--vars must be a YAML mapping such as '{{n_clusters: 4}}', and is {text!r}"
        )
    return given


def _plain(value: object) -> str:
    """Return a value as dbt receives it, so that a date equals its text."""
    return json.dumps(value, default=str, sort_keys=True)
