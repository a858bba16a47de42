"""What LaTeX's commands and environments mean to a reader (LaTeX2e reference, babel, biblatex, booktabs, beamer)."""

from __future__ import annotations

_LEVELS = """
part 1 chapter 2 section 3 subsection 4 subsubsection 5 paragraph 6 subparagraph 6
addpart 1 addchap 2 addsec 3 minisec 6 frametitle 5
"""
_COMBINING = """
" 0308 ' 0301 ` 0300 ^ 0302 ~ 0303 = 0304 . 0307 c 0327 H 030b k 0328 v 030c u 0306 r 030a b 0331 d 0323
"""
_CHARACTERS = """
ss ß ae æ AE Æ oe œ OE Œ o ø O Ø aa å AA Å l ł L Ł i ı S § P ¶ euro € texteuro € pounds £ copyright © ldots … dots …
textellipsis … textendash – textemdash — textdegree ° textbackslash \\ textasciitilde ~ textasciicircum ^ textbar |
textquotedblleft “ textquotedblright ” textquotesingle ' glqq „ grqq “ flqq « frqq » dq " slash / LaTeX LaTeX TeX TeX
"""


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SECTIONS = {name: int(level) for name, level in _pairs(_LEVELS).items()}
ACCENTS = {mark: chr(int(code, 16)) for mark, code in _pairs(_COMBINING).items()}
"""Mark → combining character."""
SYMBOLS = _pairs(_CHARACTERS) | {"quad": " ", "qquad": " ", "and": ", ", "item": "- "}
ESCAPES = {",": " ", ";": " ", ":": " ", " ": " ", "\n": "\n", "!": "", "-": "", "/": "", "@": ""}
MARKS = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}
SHORTHANDS = {"s": "ß", "z": "ß", "`": "„", "'": "“", "=": "-", "~": "-", "-": "", "|": "", '"': ""}
"""What stands behind a quotation mark in babel's German."""
_UNWRAPPED_NAMES = """
emph textbf textit texttt textsc textsf textrm textmd textup textsl textnormal underline uline mbox caption
title author date subtitle MakeUppercase uppercase lowercase textsuperscript textsubscript url nolinkurl
ac acs acl gls Gls strong fbox
"""
UNWRAPPED = frozenset(_UNWRAPPED_NAMES.split())
"""Commands that only dress their argument."""
WRAPPED = {
    **dict.fromkeys(("footnote", "footnotetext", "thanks", "marginpar"), (" (", ")")),
    **dict.fromkeys(("cite", "citep", "citet", "parencite", "textcite", "autocite", "footcite"), ("[", "]")),
    **dict.fromkeys(("ref", "eqref", "pageref", "autoref", "cref", "Cref", "nameref", "vref"), ("[", "]")),
    "enquote": ("“", "”"),
    "bibitem": ("- [", "] "),
}
"""Command → what stands around its argument."""
_DROPPED_NAMES = """
label index vspace hspace pagestyle thispagestyle setlength addtolength setcounter bibliographystyle cline
selectlanguage pagenumbering linespread fontsize addcontentsline markboth markright nocite cmidrule color
"""
DROPPED = frozenset(_DROPPED_NAMES.split())
"""Commands for the layout, with their arguments."""
_SWITCHES_NAMES = """
tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge bfseries itshape ttfamily sffamily
rmfamily scshape upshape mdseries normalfont centering raggedright raggedleft noindent indent clearpage newpage
cleardoublepage maketitle tableofcontents listoffigures listoftables par smallskip medskip bigskip vfill hfill
linebreak newline pagebreak nopagebreak frontmatter mainmatter backmatter appendix printbibliography protect relax
hline toprule midrule bottomrule sloppy fi bf it em rm tt sc sf
"""
SWITCHES = frozenset(_SWITCHES_NAMES.split())
"""Commands for the layout, without arguments."""
HEADER_RULES = frozenset({"hline", "midrule"})
INVISIBLE = frozenset({"phantom", "hphantom", "vphantom"})
SPANNING = frozenset({"multicolumn", "multirow"})
INPUTS = frozenset({"input", "include", "subfile", "includeonly"})
LISTS = frozenset({"itemize", "enumerate", "description", "thebibliography"})
TABLES = frozenset({"tabular", "tabular*", "tabularx", "tabulary", "longtable", "tblr"})
FORMULAS = frozenset(
    name + star
    for name in ("equation", "align", "gather", "multline", "eqnarray", "alignat", "flalign", "displaymath", "math")
    for star in ("", "*")
)
_SHOWN_NAMES = """
document center flushleft flushright figure figure* table table* quote quotation verse abstract minipage
titlepage multicols landscape sloppypar threeparttable appendices
"""
SHOWN = frozenset(_SHOWN_NAMES.split())
"""Environments that only place what they hold."""
