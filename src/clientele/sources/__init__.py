"""Raw data: what a source's YAML says, and the import of text files.

Text files (CSV, JSON, workbooks) are read once into Parquet with the canonical columns, typed, a
row per raw line. Both engines read that file. Parquet files and tables are read where they are.
"""

from clientele.sources.settings import load_source, project_vars

__all__ = ["load_source", "project_vars"]
