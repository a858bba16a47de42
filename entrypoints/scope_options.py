"""The options that say where `search` and `ask` look."""

from __future__ import annotations

from argparse import ArgumentParser

from workspaces.kinds import GROUPS, KINDS


def add_to(parser: ArgumentParser) -> ArgumentParser:
    """The options of a scope."""
    parser.add_argument(
        "-w", "--workspace", action="append", required=True, dest="workspaces", metavar="WORKSPACE",
        help="again for each further workspace to look in",
    )  # fmt: skip
    for name, metavar, told in (
        ("--document", "NAME", "only in this document; repeatable, as are the next four"),
        ("--folder", "FOLDER", "only what lies in this folder"),
        ("--tag", "TAG", "only what has this tag"),
        ("--type", "TYPE", "only " + ", ".join([*KINDS, *GROUPS])),
        ("--language", "LANGUAGE", "only what is written in it (de)"),
    ):
        parser.add_argument(name, action="append", default=[], metavar=metavar, help=told)
    parser.add_argument(
        "--since", metavar="DAY", default="", help="only what is dated 2023, 2023-05, 2023-05-31 or later"
    )
    parser.add_argument("--until", metavar="DAY", default="", help="or earlier; what states no date is left out")
    return parser
