from __future__ import annotations

import pytest

from ingest.loaders.table_header import header_rows

BODY = "pump|5|2024-01-02\nvalve|6.50 €|03.02.2024\nnut|n/a|2024-03-04"


@pytest.mark.parametrize(
    ("rows", "level"),
    [
        (f"Name|Price|Date\n{BODY}", 1),
        (f"|Price|Date\n{BODY}", 1),
        (f"Price list of spring\nName|Price|Date\n{BODY}", 2),
        (f"|Last year|\nName|Price|Date\n{BODY}", 2),
        (f"Name|Price|Date\n|in €|day\n{BODY}", 2),
        ("Name|2020|2021\npump|5|6\nvalve|7|8", 1),
        ("Name|Town\nMeier|Bonn\nSchmidt|Bonn\nWeber|Köln", 1),
        ("Name|Paid\nMeier|TRUE\nSchmidt|FALSE", 1),
        ("Price\n5\n6\n7", 1),
        (BODY, 0),
        (f"Name|Name|Date\n{BODY}", 0),
        ("A sentence stands here.|And here is one more.\nA third.|A fourth.\nA fifth.|A sixth.", 0),
        ("pump|Bonn\npump|Ulm\nvalve|Bonn", 0),
        ("one\ntwo\nthree", 0),
        ("Name|Price", 0),
        ("1|2\n3|4\n5|6", 0),
        ("2019|5\n2020|6\n2021|7", 0),
    ],
)
def test_header_rows_are_told_from_what_stands_below(rows: str, level: int) -> None:
    assert header_rows([row.split("|") for row in rows.split("\n")]) == level
