"""The attributes that a source declares of its customers, as columns that conditions may read."""

# Of `dim_customer_attributes`, which holds a row per customer and attribute: the column that has
# the values of a kind, and the type of that value in a condition.
VALUES = {
    "number": ("number_value", "double"),
    "date": ("date_value", "date"),
    "category": ("text_value", "string"),
    "yes_no": ("text_value = 'yes'", "boolean"),
}
# Columns that the macro `audience_members` adds to those of the marts.
OWN = {"today", "last_campaign_date", "is_held_out_of_all"}


def attribute_columns(source: dict | None, taken: set[str]) -> tuple[list[dict], dict[str, str]]:
    """Return the columns of declared attributes, and why each sensitive one is none.

    Args:
        source: the var `source`; what is wrong in it is left to the check of sources.
        taken: names of other columns. An attribute of such a name is `attribute_<name>`.

    Returns:
        The columns, each with `relation`, `column`, `name`, `type`, `description`, `attribute`
        and `value`, its SQL over `dim_customer_attributes`; and a sentence by refused name.
    """
    tables = (source or {}).get("tables") or {}
    declared = (tables.get("customers") or {}).get("attributes")
    columns, refused = [], {}
    for attribute, said in (declared if isinstance(declared, dict) else {}).items():
        if not isinstance(said, dict) or said.get("kind") not in VALUES:
            continue
        name = f"attribute_{attribute}" if attribute in taken | OWN else attribute
        if said.get("sensitive"):
            refused[name] = (
                f"the attribute `{attribute}` is declared sensitive, and such attributes choose "
                "no one; take it out"
            )
            continue
        value, kind = VALUES[said["kind"]]
        columns.append(
            {
                "relation": "attributes",
                "column": name,
                "name": name,
                "type": kind,
                "description": f"The attribute `{attribute}` that the source declares.",
                "attribute": attribute,
                "value": value,
            }
        )
    return columns, refused
