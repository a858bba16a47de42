"""The command `footnote`. Every command here is a thin call of a use case; errors become a message and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from entrypoints import scope_options
from entrypoints.output import Output, Terminal
from rag.errors import DataDirectoryInUse, FootnoteError, StorageError

if TYPE_CHECKING:
    from workspaces.owner import Ownership

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # it has no public name
READ_ONLY = frozenset({"workspace list", "documents", "search", "ask", "test", "models list", "workspace create"})
"""Commands that leave the background work alone; they start no workflows."""


SECRET = frozenset({"unlock"})
"""Commands that need a secret: it is asked for, and no argument ever holds it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 not (all) done, 2 a message says why not."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = build_parser().parse_args(given)
    out = Terminal()
    try:
        code = _dispatch(options, given, out)
    except FootnoteError as error:
        out.note(error.told)
        code = 2
    except KeyboardInterrupt:
        out.note("Stopped.")
        code = 130
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    return code


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    parser = argparse.ArgumentParser(prog="footnote", description="A private knowledge base on your own machine.")
    parser.add_argument("--cwd", default=os.getcwd(), help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="start the user interface")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8501)
    commands.add_parser("open", help="print and open the link of the running server")

    _add_document_commands(commands)
    _add_upkeep_commands(commands)
    return parser


def _add_document_commands(commands: Commands) -> None:
    workspace = commands.add_parser("workspace", help="list, create, delete workspaces")
    actions = workspace.add_subparsers(dest="action", required=True, metavar="ACTION")
    _json(actions.add_parser("list"))
    _json(actions.add_parser("create")).add_argument("name")
    mode = actions.add_parser("answers", help="from the documents alone, or with general knowledge, marked as such")
    mode.add_argument("name")
    mode.add_argument("mode", metavar="strict|open")
    removal = actions.add_parser("delete")
    removal.add_argument("name")
    removal.add_argument("--yes", action="store_true", help="do not ask")

    add = _json(_in_workspace(commands.add_parser("add", help="take in files, folders, web addresses")))
    add.add_argument("--keep-both", action="store_true", help="a changed file is another document, not a newer version")
    add.add_argument("--tag", action="append", default=[], metavar="TAG", help="give it to each document; repeatable")
    add.add_argument("sources", nargs="+", metavar="PATH_OR_URL")
    add.add_argument("--section", action="store_true", help="of web addresses, the section below each too")
    add.add_argument("--depth", type=int, metavar="N", help="links followed in a section (2)")
    add.add_argument("--pages", type=int, metavar="N", help="the most documents a section makes (50)")
    refresh = _json(_in_workspace(commands.add_parser("refresh", help="fetch web documents again")))
    refresh.add_argument("documents", nargs="*", metavar="DOCUMENT", help="all from the web if none is named")
    watch = _in_workspace(commands.add_parser("watch", help="keep the documents of a folder up to date"))
    watch.add_argument("folder", nargs="?", metavar="FOLDER")
    watch.add_argument("--ignore", action="append", default=[], metavar="PATTERN", help="names that are left out")
    kinds = watch.add_mutually_exclusive_group()
    kinds.add_argument("--list", action="store_true", help="the watched folders")
    kinds.add_argument("--look", action="store_true", help="look into all, or the one named, now")
    kinds.add_argument("--remove", metavar="FOLDER", help="stop watching; its documents stay")
    watch.add_argument("--delete-documents", action="store_true", help="with --remove: they are deleted")
    unlock = _json(_in_workspace(commands.add_parser("unlock", help="open a PDF with its password")))
    unlock.add_argument("--keep", action="store_true", help="keep a copy that needs no password")
    unlock.add_argument("document", metavar="DOCUMENT")
    for name, told in (("pause", "read no documents for the time being"), ("resume", "read documents again")):
        queue = commands.add_parser(name, help=told)
        queue.add_argument("-w", "--workspace", metavar="WORKSPACE", help="of this workspace only (all)")
    _json(_in_workspace(commands.add_parser("documents", help="list the documents of a workspace")))
    tag = _in_workspace(commands.add_parser("tag", help="give documents tags, or take them away"))
    tagging = tag.add_subparsers(dest="action", required=True, metavar="add|remove")
    for name in ("add", "remove"):
        change = tagging.add_parser(name)
        change.add_argument("tag", metavar="TAG")
        change.add_argument("documents", nargs="+", metavar="DOCUMENT")
    delete = _in_workspace(commands.add_parser("delete", help="delete documents"))
    delete.add_argument("documents", nargs="+", metavar="DOCUMENT")
    search = _json(scope_options.add_to(commands.add_parser("search", help="the best passages for a question")))
    search.add_argument("question")
    search.add_argument("-k", type=_depth, default=10, help="how many (10)")
    ask = _json(scope_options.add_to(commands.add_parser("ask", help="answer a question with footnotes")))
    ask.add_argument("question")
    ask.add_argument("--no-model", action="store_true", help="answer with the evidence alone")
    ask.add_argument("--receipt", action="store_true", help="what was searched, read and sent")
    test = _json(_in_workspace(commands.add_parser("test", help="measure how well a workspace is answered")))
    test.add_argument("--generate", type=int, metavar="N", help="first make N more questions from its documents")
    test.add_argument("--answers", action="store_true", help="have them answered too, by the chosen chat model")


def _add_upkeep_commands(commands: Commands) -> None:
    evaluate = _json(commands.add_parser("eval", help="run an evaluation set through the real pipeline"))
    evaluate.add_argument("dataset", type=Path)
    evaluate.add_argument("--retrieval-only", action="store_true")
    evaluate.add_argument("--no-model", action="store_true", help="answer with the evidence alone")
    evaluate.add_argument("--sample", type=int, metavar="N")
    evaluate.add_argument("--seed", type=int, default=0, metavar="S")
    evaluate.add_argument("--runs", type=Path, metavar="FILE", help="where run lines go; an existing file is resumed")

    doctor = _json(commands.add_parser("doctor", help="check that everything is whole"))
    doctor.add_argument("--repair", action="store_true", help="mend what can be derived")

    reindex = _in_workspace(commands.add_parser("reindex", help="build a new search index beside the old one"))
    ways = reindex.add_mutually_exclusive_group()
    ways.add_argument("--embedder", metavar="KEY_OR_FOLDER", help="with another embedder")
    ways.add_argument("--roll-back", action="store_true", help="go back to the former one")
    ways.add_argument("--cancel", action="store_true", help="give up what is being built")
    reread = _json(_in_workspace(commands.add_parser("reread", help="read documents of an earlier version again")))
    reread.add_argument("documents", nargs="*", metavar="DOCUMENT", help="all that it concerns if none is named")

    models = commands.add_parser("models", help="list chat models, fetch the built-in one")
    model_actions = models.add_subparsers(dest="action", required=True, metavar="ACTION")
    _json(model_actions.add_parser("list"))
    model_actions.add_parser("pull")


def run_command(name: str, options: argparse.Namespace, out: Output, services: object) -> int:
    """Run a command on open services; the server calls this for a command line elsewhere."""
    from entrypoints import commands

    return int(getattr(commands, name.replace(" ", "_"))(services, options, out))


def command_name(options: argparse.Namespace) -> str:
    """ "workspace list", "add", …"""
    action = getattr(options, "action", None)
    return f"{options.command} {action}" if action else str(options.command)


def _dispatch(options: argparse.Namespace, arguments: list[str], out: Terminal) -> int:
    name = command_name(options)
    if name == "serve":
        from entrypoints.serve import serve

        return serve(options.host, options.port)
    if name == "open":
        from entrypoints.serve import open_running

        return open_running()
    options.secret = out.ask("Password: ") if name in SECRET else None
    if name == "eval":
        from entrypoints.evaluate import evaluate

        return evaluate(options, out)
    return _on_data_directory(name, options, arguments, out)


def _on_data_directory(name: str, options: argparse.Namespace, arguments: list[str], out: Output) -> int:
    """Own the data directory and run the command, or have the server that owns it run the command."""
    from workspaces.owner import Ownership
    from workspaces.settings import load_settings

    settings = load_settings()
    ownership = Ownership(settings.data_dir)
    if (port := _server_port(ownership)) is not None:
        return _remotely(settings.data_dir, port, arguments, options.secret, out)
    from workspaces.bootstrap import open_services

    try:
        services = open_services(settings, jobs=name not in READ_ONLY)
    except DataDirectoryInUse:
        if (port := _server_port(ownership)) is None:
            raise
        return _remotely(settings.data_dir, port, arguments, options.secret, out)  # a server that has started meanwhile
    except StorageError as error:
        if name != "doctor":
            raise
        return _undoctored(error, options, out)
    try:
        services.start()
        return run_command(name, options, out, services)
    finally:
        services.close()


def _server_port(ownership: Ownership) -> int | None:
    owner = ownership.current()
    return owner.port if owner is not None else None


def _remotely(data_dir: Path, port: int, arguments: list[str], secret: str | None, out: Output) -> int:
    from entrypoints.remote import run_remotely

    return run_remotely(data_dir, port, ["--cwd", os.getcwd(), *arguments], out, secret=secret)


def _undoctored(error: StorageError, options: argparse.Namespace, out: Output) -> int:
    """A database that cannot be opened is what the doctor found."""
    from entrypoints.commands import show_checks
    from workspaces.models import Check

    detail = error.told
    return show_checks([Check("I7", "The databases are intact", ok=False, detail=detail)], options, out)


def _json(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--json", action="store_true", help="for scripts")
    return parser


def _in_workspace(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("-w", "--workspace", required=True, metavar="WORKSPACE")
    return parser


def _depth(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 200:
        raise argparse.ArgumentTypeError("must be 1 to 200")
    return number


if __name__ == "__main__":
    sys.exit(main())
