"""A server whose every text is hostile: `python -m tests.ui.hostile PORT CANARY_URL [no-csp] [no-safe]`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from entrypoints import serve, web
from rag.types import Verdict
from tests.ui import fakes
from tests.ui.payloads import payloads
from ui import safe
from workspaces.models import Check, ModelChoice, Problem

QUESTION = "Tell me everything"
PER_ANSWER = 50


def main(port: int, canary: str, walls: list[str]) -> int:
    if "no-csp" in walls:
        del web.HEADERS["content-security-policy"]
    if "no-safe" in walls:
        safe.plain = safe.visible = safe.label = safe.told = lambda text, **_: text  # type: ignore[assignment]  # the wall under test is down
    fakes.install(services_full_of(payloads(canary)))
    return serve.serve("127.0.0.1", port)


def services_full_of(hostile: list[str]) -> fakes.FakeServices:
    """Every payload in documents' fields, chat titles, answers, passages and messages."""
    services = fakes.FakeServices(Path(tempfile.mkdtemp()))
    space = services.library.create_workspace(hostile[0])
    fields = iter(hostile * 2)
    for _ in range(len(hostile) // 5):
        services.library.put(
            space.id,
            next(fields),
            title=next(fields),
            author=next(fields),
            notes=(next(fields),),
            text=next(fields),
            pages=3,
            state="failed",
            problem=Problem("damaged", next(fields), next(fields)),
        )
    services.library.put(
        space.id, hostile[4], title=hostile[0], text=". ".join(hostile[:20]), notes=tuple(hostile[:20])
    )
    for title in hostile[:25]:
        services.conversations.create(space.id, title)
    for start in range(0, len(hostile), PER_ANSWER):
        verdicts: list[Verdict] = ["supported", "partly", "not_found"]
        some = hostile[start : start + PER_ANSWER]
        services.conversations.scripts[f"{QUESTION} {start}"] = fakes.Script(
            [(text, verdicts[number % 3], (number,)) for number, text in enumerate(some)],
            problem=Problem("model", hostile[start], hostile[start + 1]),
            model=hostile[start + 2],
            left_out=hostile[start + 3],
            searched=hostile[start + 4],
            warning=hostile[start + 5],
            title=hostile[start],
            passage=". ".join(some),
        )
    services.conversations.scripts[f"{QUESTION} refused"] = fakes.Script(
        refused=True, title=hostile[8], passage=hostile[20]
    )
    services.chat_models.list = [ModelChoice("builtin", hostile[0], available=True, detail=hostile[1])]
    services.settings.ollama_url = hostile[4]
    services.doctor.check = lambda **_: [Check("I1", text, ok=False, detail=text) for text in hostile]  # type: ignore[method-assign]  # a hostile report
    return services


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
