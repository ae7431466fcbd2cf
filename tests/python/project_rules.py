"""The rules of the project's structure: each takes dbt's manifest and returns the offences."""

import itertools
import re
from collections import Counter, defaultdict
from pathlib import Path

PROJECT = Path(__file__).parents[2]
RULES = []
MAY_READ = {
    "staging": {"raw"},
    "intermediate": {"staging", "intermediate", "lookups"},
    "features": {"intermediate", "features"},
    "ml": {"features", "ml"},
    "marts": {"intermediate", "features", "ml", "marts", "lookups"},
    "analyses": {"marts"},
    "exposures": {"marts"},
    "semantic models": {"marts"},
}
# Single models that a layer may read as well: intermediate decides once which day is today.
MAY_READ_MODELS = {"ml": {"int_as_of_dates"}}
OUTSIDE = {"analysis": "analyses", "exposure": "exposures", "semantic_model": "semantic models"}
PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "features": ("feat_",),
    "ml": ("ml_",),
    "marts": ("dim_", "fct_", "rpt_"),
}
FAMILIES = {"orders", "customers", "segmentation", "rules", "recommendations", "value", "quality"}
FAMILIES |= {"campaigns", "events", "identity", "reviews"}
MART_NAME = re.compile(r"(?:\bmarts\.|`)((?:dim|fct|rpt)_[a-z0-9_]+)")


def rule(function):
    """Add a rule to those that the project is held to."""
    RULES.append(function)
    return function


def nodes(manifest, *types):
    """Return all nodes of the types: models, tests, sources, exposures and so on."""
    everything = [*manifest["nodes"].values(), *manifest["sources"].values()]
    for kind in ("exposures", "semantic_models", "metrics", "saved_queries"):
        everything += manifest[kind].values()
    return [node for node in everything if node["resource_type"] in types]


def layer_of(node):
    if node["resource_type"] in OUTSIDE:
        return OUTSIDE[node["resource_type"]]
    if node["resource_type"] == "source" or node["fqn"][1] == "sample":
        return "raw"
    return node["fqn"][1]


def parents(manifest, node, *types):
    everything = manifest["nodes"] | manifest["sources"]
    read = [everything[key] for key in node["depends_on"]["nodes"]]
    return [parent for parent in read if not types or parent["resource_type"] in types]


def children(manifest):
    """Return the models that read each node."""
    found = defaultdict(list)
    for model in nodes(manifest, "model"):
        for key in model["depends_on"]["nodes"]:
            found[key].append(model)
    return found


def tests_of(manifest):
    """Return (test, its columns) for each node that YAML tests, the rules of `checks` one by one.

    The key of `checks` counts as `unique_combination_of_columns`.
    """
    found = defaultdict(list)
    for test in nodes(manifest, "test"):
        if not test.get("test_metadata"):
            continue
        name, arguments = test["test_metadata"]["name"], test["test_metadata"]["kwargs"]
        table = manifest["nodes"][test["attached_node"]]
        if name != "checks":
            columns = arguments.get("columns") or [test["column_name"]]
            found[table["unique_id"]].append((name, columns))
            continue
        if arguments.get("key") and arguments.get("level", "error") == "error":
            found[table["unique_id"]].append(("unique_combination_of_columns", arguments["key"]))
        for column, rule_name, _ in checks_of(table, arguments.get("level", "error")):
            found[table["unique_id"]].append((rule_name, [column]))
    return found


def checks_of(table, *levels):
    """Return (column, rule, arguments) for the rules of these levels on a table's columns."""
    rules = [
        (column["name"], rule_name, arguments)
        for column in table["columns"].values()
        for check in column["config"]["meta"].get("checks", [])
        for rule_name, arguments in ({check: {}} if isinstance(check, str) else check).items()
    ]
    return [rule for rule in rules if rule[2].get("level", "error") in levels]


def sql_of(node):
    """Return the SQL of a node without templates, comments and `extract(hour from ...)`."""
    sql = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|--[^\n]*", " ", node["raw_code"], flags=re.S)
    return re.sub(r"extract\([^()]*\)", " ", sql, flags=re.I)


# -- Who reads whom


@rule
def each_layer_reads_what_it_may(manifest):
    """Only staging reads raw tables; what is no model reads marts only, which are public."""
    return [
        f"{node['name']} ({layer_of(node)}) reads {parent['name']} ({layer_of(parent)})"
        for node in nodes(manifest, "model", *OUTSIDE)
        for parent in parents(manifest, node)
        if layer_of(parent) not in MAY_READ[layer_of(node)]
        and parent["name"] not in MAY_READ_MODELS.get(layer_of(node), ())
    ]


@rule
def a_raw_table_is_read_once_and_by_itself(manifest):
    """A staging model reads one raw table, which no other reads: joining is for later layers."""
    staging = [m for m in nodes(manifest, "model") if layer_of(m) == "staging"]
    readers = Counter(parent for model in staging for parent in model["depends_on"]["nodes"])
    return [
        f"{model['name']} reads {len(set(model['depends_on']['nodes']))} raw tables"
        for model in staging
        if len(set(model["depends_on"]["nodes"])) != 1
    ] + [f"{key} is read by {count} models" for key, count in readers.items() if count > 1]


@rule
def a_raw_table_is_declared_once(manifest):
    """Two sources of one table would each get half of the tests and descriptions."""
    places = Counter(
        (source["database"], source["schema"], source["identifier"])
        for source in nodes(manifest, "source")
    )
    return [
        f"{'.'.join(map(str, place))} is declared twice" for place in places if places[place] > 1
    ]


@rule
def tables_are_read_through_ref(manifest):
    """A name written out is no edge of the graph: it is built in any order, and never tested."""
    written = re.compile(r"\b(?:from|join)\s+[\"`]?\w+[\"`]?\.[\"`]?\w+", re.I)
    return [
        f"{node['name']} says {found[0]}"
        for node in nodes(manifest, "model", "analysis", "test")
        if node.get("language", "sql") == "sql" and (found := written.search(sql_of(node)))
    ]


@rule
def every_model_reads_something(manifest):
    """A model that reads nothing is a seed."""
    return [m["name"] for m in nodes(manifest, "model") if not m["depends_on"]["nodes"]]


@rule
def every_private_model_is_read(manifest):
    """What no model reads and no one else may read is not needed."""
    read = children(manifest)
    return [
        model["name"]
        for model in nodes(manifest, "model")
        if model["access"] != "public" and model["unique_id"] not in read
    ]


@rule
def a_private_model_has_three_leaves_at_most(manifest):
    """More marts made of one private model want a mart between; marts are there to be read."""
    read = children(manifest)
    offences = []
    for model in nodes(manifest, "model"):
        leaves = {c["name"] for c in read[model["unique_id"]] if not read.get(c["unique_id"])}
        if model["access"] != "public" and len(leaves) > 3:
            offences.append(f"{model['name']} is read by the leaves {', '.join(sorted(leaves))}")
    return offences


@rule
def a_model_reads_eight_others_at_most(manifest):
    """A ninth wants a step. Conditions of audiences read a mart of each kind: eleven."""
    most = {"fct_audience_members": 11}
    return [
        f"{model['name']} reads {len(model['depends_on']['nodes'])}"
        for model in nodes(manifest, "model")
        if len(model["depends_on"]["nodes"]) > most.get(model["name"], 8)
    ]


@rule
def views_are_stacked_three_high_at_most(manifest):
    """Each reader computes a view again, and all views below it."""

    def height(node):
        if node["resource_type"] != "model" or node["config"]["materialized"] != "view":
            return 0
        return 1 + max(map(height, parents(manifest, node)), default=0)

    return [f"{m['name']} is {height(m)} high" for m in nodes(manifest, "model") if height(m) > 3]


@rule
def marts_are_stored_unless_they_only_rename(manifest):
    """A reader pays for a view's joins and sums each time."""
    work = re.compile(r"\b(join|group by|distinct|union|over|order by)\b", re.I)
    return [
        f"{mart['name']} is a view with {found[0]}"
        for mart in nodes(manifest, "model")
        if layer_of(mart) == "marts"
        and mart["config"]["materialized"] not in ("table", "incremental")
        if (found := work.search(sql_of(mart)))
    ]


# -- Names and places


@rule
def models_are_named_after_their_layer(manifest):
    return [
        model["name"]
        for model in nodes(manifest, "model")
        if not model["name"].startswith(PREFIXES[layer_of(model)])
    ]


@rule
def a_model_lies_in_the_room_of_its_family_beside_its_yaml(manifest):
    """Each layer but staging has a folder for each family."""
    offences = []
    for model in nodes(manifest, "model"):
        folder = Path("models", layer_of(model))
        if layer_of(model) != "staging":
            family = Path(model["original_file_path"]).parent.name
            folder /= family if family in FAMILIES else "<family>"
        # A version of a mart is in a file of its own, which is what its table is called.
        if Path(model["original_file_path"]).with_suffix("") != folder / model["alias"]:
            offences.append(f"{model['name']} lies in {model['original_file_path']}")
        if model["patch_path"] != f"clientele://{folder / model['name']}.yml":
            offences.append(f"{model['name']} is described in {model['patch_path']}")
    return offences


@rule
def marts_are_public_and_under_contract_and_the_rest_is_private(manifest):
    """All models are in a group: dbt refuses private models to other groups."""
    return [
        model["name"]
        for model in nodes(manifest, "model")
        if (model["access"], model["config"]["contract"]["enforced"])
        != (("public", True) if layer_of(model) == "marts" else ("private", False))
        or not model["config"]["group"]
    ]


# -- Documentation and tests


@rule
def everything_says_more_than_its_name(manifest):
    """All that dbt knows by a description, and the columns of tables."""
    described = nodes(manifest, "model", "seed", "source", "semantic_model", "metric")
    described += nodes(manifest, "saved_query", "analysis", "exposure")
    described += manifest["groups"].values()
    texts = [(node["name"], node["description"]) for node in described]
    texts += [(s["source_name"], s["source_description"]) for s in nodes(manifest, "source")]
    texts += [
        (f"{node['name']}.{column['name']}", column["description"])
        for node in described
        for column in node.get("columns", {}).values()
    ]
    return [
        name
        for name, text in texts
        if not set(re.findall(r"[a-z]+", (text or "").lower())) - set(re.split(r"[._]", name))
    ]


def called_in(text):
    """Return what a template calls outside its comments."""
    text = re.sub(r"\{#.*?#\}|--[^\n]*", " ", text, flags=re.S)
    return set(re.findall(r"\b(\w+)\(", text))


@rule
def every_macro_is_used_in_a_file_that_says_what_for(manifest):
    """dbt calls what has a name of its own macros, of a strategy or of a materialization."""
    macros = [m for m in manifest["macros"].values() if m["package_name"] == "clientele"]
    used = {m["name"] for m in manifest["macros"].values() if m["package_name"] == "dbt"}
    for macro in macros:
        # Its own name in its own body, or in an engine's version of it, is no use of it.
        own = re.sub(r"^[a-z]+__", "", macro["name"])
        used |= called_in(macro["macro_sql"]) - {own}
    # What dbt_project.yml has dbt run is a node too.
    for node in manifest["nodes"].values():
        used |= called_in(node.get("raw_code") or "")
        used.add(f"get_incremental_{node['config'].get('incremental_strategy')}_sql")
        used.add(f"materialization_{node['config'].get('materialized')}_duckdb")
        for hook in node["config"].get("pre-hook", []) + node["config"].get("post-hook", []):
            used |= called_in(hook["sql"])
    used |= {f"test_{name}" for found in tests_of(manifest).values() for name, _ in found}
    files = sorted({macro["original_file_path"] for macro in macros})
    return [
        f"{macro['name']} is used by nothing"
        for macro in macros
        if macro["name"] not in used and not re.match(r"[a-z]+__", macro["name"])
    ] + [
        f"{f} begins without a comment"
        for f in files
        if not (PROJECT / f).read_text().startswith("{#-")
    ]


@rule
def every_table_tests_its_key(manifest):
    """No key is missing or repeated, in lookups too.

    Where a row is a raw one, duplicates included, the number of rows is tested instead. A mart that
    is a view tests the key for the private model whose rows it shows.
    """
    tests = tests_of(manifest)
    read_by = children(manifest)

    def has_test(node):
        counted = layer_of(node) in ("staging", "intermediate")
        return any(
            name == "unique_combination_of_columns" or (name == "as_many_rows_as_raw" and counted)
            for name, _ in tests[node["unique_id"]]
        )

    def is_tested(node):
        shown_by = [
            child
            for child in read_by[node["unique_id"]]
            if layer_of(child) == "marts" and child["config"]["materialized"] == "view"
        ]
        return any(map(has_test, [node, *shown_by]))

    keyed = [node for node in nodes(manifest, "model", "seed") if layer_of(node) != "raw"]
    return [node["name"] for node in keyed if not is_tested(node)]


@rule
def every_rule_on_a_column_is_checked(manifest):
    """A rule in a column's meta does nothing unless a `checks` node of its level reads it."""
    checked = defaultdict(set)
    for test in nodes(manifest, "test"):
        if (test.get("test_metadata") or {}).get("name") == "checks":
            level = test["test_metadata"]["kwargs"].get("level", "error")
            checked[test["attached_node"]].add(level)
    tables = nodes(manifest, "model", "seed")
    return [
        f"{table['name']}.{column}: {name} is not checked"
        for table in tables
        for column, name, arguments in checks_of(table, "error", "warn")
        if arguments.get("level", "error") not in checked[table["unique_id"]]
    ] + [
        f"{table['name']} checks {level} without a rule or a key"
        for table in tables
        for level in checked[table["unique_id"]]
        if level == "warn" and not checks_of(table, level)
    ]


@rule
def a_key_needs_no_other_check_for_nulls(manifest):
    """The key of `checks` refuses nulls already."""
    tests = tests_of(manifest)
    return [
        f"{table['name']}.{column} is part of the key, which has no nulls"
        for table in nodes(manifest, "model", "seed")
        for name, columns in tests[table["unique_id"]]
        if name == "unique_combination_of_columns"
        for column in columns
        if ("not_null", [column]) in tests[table["unique_id"]]
    ]


@rule
def every_column_of_a_mart_is_tested(manifest):
    tests = tests_of(manifest)
    return [
        f"{mart['name']}.{column}"
        for mart in nodes(manifest, "model")
        if layer_of(mart) == "marts"
        for column in mart["columns"]
        if column not in {c for _, columns in tests[mart["unique_id"]] for c in columns}
    ]


@rule
def an_amount_or_count_has_one_meaning_in_marts_that_are_joined(manifest):
    """Marts that share a customer or an order are joined: equal names are ambiguous there."""
    marts = [mart for mart in nodes(manifest, "model") if layer_of(mart) == "marts"]
    return [
        f"{one['name']}.{name} and {other['name']}.{name}"
        for one, other in itertools.combinations(marts, 2)
        if {"customer_id", "order_id"} & one["columns"].keys() & other["columns"].keys()
        for name in sorted(one["columns"].keys() & other["columns"].keys())
        if name.endswith(("_amount", "_count"))
        and one["columns"][name]["description"] != other["columns"][name]["description"]
    ]


@rule
def a_relationship_points_at_a_key(manifest):
    """Or at a seed, which is small: dbt joins every row to every row of the same value."""
    tests = tests_of(manifest)
    tables = {node["name"]: node for node in nodes(manifest, "model", "seed")}
    offences = []
    for test in nodes(manifest, "test"):
        arguments = (test.get("test_metadata") or {}).get("kwargs", {})
        if "to" in arguments:
            target = tables[re.search(r"ref\('(\w+)'", arguments["to"])[1]]
            is_key = any(
                (name, [arguments["field"]]) in tests[target["unique_id"]]
                for name in ("unique", "unique_combination_of_columns")
            )
            if not is_key and target["resource_type"] != "seed":
                offences.append(test["name"])
    return offences


# -- Exposures


def marts_read_by(manifest, pattern):
    """Return the marts that the files of a glob read, None where there is no such file."""
    analyses = {node["original_file_path"]: node for node in nodes(manifest, "analysis")}
    if pattern in analyses:
        return {parent["name"] for parent in parents(manifest, analyses[pattern])}
    files = [file for file in PROJECT.glob(pattern) if file.is_file()]
    texts = [file.read_text(errors="ignore") for file in files]
    return {name for text in texts for name in MART_NAME.findall(text)} if files else None


@rule
def an_exposure_depends_on_what_its_files_read(manifest):
    """An analysis reads by its refs, a file by `marts.<name>`, a page by names in backticks.

    Marts that not every source has are named by exposures that not every source has.
    """
    optional = {m["name"] for m in nodes(manifest, "model") if "enabled=has_" in m["raw_code"]}
    offences, read_optionally, said_optionally = [], set(), set()
    for exposure in nodes(manifest, "exposure"):
        found = {p: marts_read_by(manifest, p) for p in exposure["config"]["meta"].get("files", [])}
        offences += [
            f"{exposure['name']}: no file {p}" for p, read in found.items() if read is None
        ]
        read = {name for names in found.values() for name in names or ()}
        said = {parent["name"] for parent in parents(manifest, exposure)}
        read_optionally |= read & optional
        if said <= optional:
            said_optionally |= said
        else:
            read -= optional
            offences += [
                f"{exposure['name']} reads {name} and does not say so" for name in read - said
            ]
        offences += [f"{exposure['name']} does not read {name}" for name in said - read]
    unsaid = read_optionally - said_optionally
    return offences + [f"{name} is read, and no exposure says so" for name in unsaid]


@rule
def every_analysis_has_one_exposure(manifest):
    """An exposure states who relies on the answer, so a change of a mart shows whom it affects."""
    exposures = nodes(manifest, "exposure")
    files = Counter(file for e in exposures for file in e["config"]["meta"].get("files", []))
    return [
        f"{analysis['name']} is of {files[analysis['original_file_path']]} exposures"
        for analysis in nodes(manifest, "analysis")
        if files[analysis["original_file_path"]] != 1
    ]


@rule
def the_readme_lists_every_mart(manifest):
    """BI tools and SQL clients choose from this list: a mart outside it has no reader."""
    listed = set(MART_NAME.findall((PROJECT / "README.md").read_text()))
    marts = {m["name"] for m in nodes(manifest, "model") if m["access"] == "public"}
    return [f"README.md does not list {name}" for name in sorted(marts - listed)] + [
        f"README.md lists {name}, which is no mart" for name in sorted(listed - marts)
    ]
