"""CSV tables of other programs as pandas frames, however spreadsheet programs saved them."""

from pathlib import Path
from typing import Any

import pandas as pd

from mvboot.errors import InputError
from mvboot.formats.tables import csv_layout


def read_frame(path: Path, title: str, **options: Any) -> pd.DataFrame:
    """Read a table with its own separator, decimal mark and encoding.

    ``title`` says what was expected, for the InputError of a table that is broken or cut off;
    ``options`` are those of `pandas.read_csv`.
    """
    layout = csv_layout(path)
    try:
        table: pd.DataFrame = pd.read_csv(
            path,
            sep=layout.separator,
            decimal=layout.decimal,
            encoding=layout.encoding,
            **options,
        )
        return table
    except UnicodeDecodeError:
        raise InputError("is no text in UTF-8; save it as UTF-8", where=path) from None
    except (ValueError, OSError) as error:
        said = str(error).strip().splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise InputError(f"is no readable {title} ({said[:200]})", where=path) from None
