"""Columns of tables of rules and their types."""

import pandas as pd

# By the names of types that both engines read.
ASSOCIATION_RULE_TYPES = {
    "scope": "string",
    "antecedent": "string",
    "consequent": "string",
    "antecedent_items": "string",
    "consequent_items": "string",
    "antecedent_length": "int",
    "consequent_length": "int",
    "order_count": "int",
    "antecedent_count": "int",
    "consequent_count": "int",
    "basket_count": "int",
    "support": "double",
    "confidence": "double",
    "lift": "double",
    "lift_lower": "double",
    "lift_upper": "double",
    "leverage": "double",
    "conviction": "double",
    "zhang": "double",
    "jaccard": "double",
    "kulczynski": "double",
    "p_value": "double",
    "p_value_adjusted": "double",
    "improvement": "double",
    "is_redundant": "boolean",
    "is_closed": "boolean",
    "is_maximal": "boolean",
    "holdout_order_count": "int",
    "holdout_antecedent_count": "int",
    "holdout_consequent_count": "int",
    "holdout_basket_count": "int",
    "holdout_lift": "double",
}
DIFFERENCE_TYPES = {
    "antecedent": "string",
    "consequent": "string",
    "antecedent_items": "string",
    "consequent_items": "string",
    "segment_key": "string",
    "order_count": "int",
    "antecedent_count": "int",
    "consequent_count": "int",
    "basket_count": "int",
    "confidence": "double",
    "lift": "double",
    "lift_lower": "double",
    "lift_upper": "double",
    "odds_ratio": "double",
    "common_odds_ratio": "double",
    "is_compared": "boolean",
    "compared_segment_count": "int",
    "chi_square": "double",
    "p_value": "double",
    "p_value_adjusted": "double",
}
_DTYPES = {"string": "str", "int": "int64", "double": "float64", "boolean": "bool"}


def typed(frame: pd.DataFrame, types: dict[str, str]) -> pd.DataFrame:
    """Give columns the dtypes of ``types``; numbers that may be missing are floats."""
    kinds = {name: _DTYPES[kind] for name, kind in types.items()}
    kinds |= {name: "float64" for name in types if name.startswith("holdout_")}
    return frame.reindex(columns=list(types)).astype(kinds)
