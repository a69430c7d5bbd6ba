"""Online Retail, for the full profile: a year of a gift shop's invoices, with the items' descriptions."""

from __future__ import annotations

import pandas as pd

from ftlessons.lesson17.table import OwnShop
from ftlib import runtime
from ftlib.catalog import CatalogError

URL = "https://archive.ics.uci.edu/static/public/352/data.csv"
COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "CustomerID")
RARE = 30  # articles on fewer invoices are left out


class OnlineRetail(OwnShop):
    """541,909 lines of invoices, 4,372 customers, December 2010 to December 2011 (Chen 2015, CC BY 4.0).

    https://doi.org/10.24432/C5BW33. An article is an item and its description the text; cancelled invoices and lines
    without a customer are left out.

    Raises:
        CatalogError: this is the small profile, or the file cannot be had; one sentence that says what to do.
    """

    def __init__(self) -> None:
        self.name = "online retail"  # no plain name: the course does not list it among its tasks
        if runtime.profile() != "full":
            how = "set FTLIB_PROFILE=full and restart Python"
            raise CatalogError(f"{URL} is downloaded, and the small profile downloads nothing: {how}.")
        super().__init__(_log(_lines()), cut="2011-11-01")


def _lines() -> pd.DataFrame:
    try:
        return pd.read_csv(URL, dtype=str, usecols=list(COLUMNS))
    except (OSError, ValueError) as problem:  # no network, or no longer the file that it was
        raise CatalogError(f"{URL} cannot be had ({type(problem).__name__}): try again with a network.") from problem


def _log(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of invoices as a log: ``user, item, time, text``."""
    lines = lines.dropna()
    lines = lines[(lines.Quantity.astype(float) > 0) & ~lines.InvoiceNo.str.startswith("C")]
    often = lines.groupby("StockCode").InvoiceNo.transform("nunique") >= RARE
    lines = lines[often]
    return pd.DataFrame({
        "user": lines.CustomerID, "item": lines.StockCode, "text": lines.Description.str.strip().str.lower(),
        "time": pd.to_datetime(lines.InvoiceDate, format="mixed"),
    })  # fmt: skip
