"""What LaTeX's commands and environments mean to a reader (LaTeX2e reference, babel, biblatex, booktabs, beamer)."""

from __future__ import annotations

SECTIONS = {
    **{"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5, "paragraph": 6, "subparagraph": 6},
    **{"addpart": 1, "addchap": 2, "addsec": 3, "minisec": 6, "frametitle": 5},
}
ACCENTS = {
    **{'"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307"},
    **{"c": "\u0327", "H": "\u030b", "k": "\u0328", "v": "\u030c", "u": "\u0306", "r": "\u030a", "b": "\u0331"},
    "d": "\u0323",
}
"""Mark → combining character."""
ESCAPES = {",": " ", ";": " ", ":": " ", " ": " ", "\n": "\n", "!": "", "-": "", "/": "", "@": ""}
MARKS = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}
SHORTHANDS = {"s": "ß", "z": "ß", "`": "„", "'": "“", "=": "-", "~": "-", "-": "", "|": "", '"': ""}
"""What stands behind a quotation mark in babel's German."""
SYMBOLS = {
    **{"ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł"},
    **{"L": "Ł", "i": "ı", "S": "§", "P": "¶", "euro": "€", "texteuro": "€", "pounds": "£", "copyright": "©"},
    **{"ldots": "…", "dots": "…", "textellipsis": "…", "textendash": "–", "textemdash": "—", "textdegree": "°"},
    **{"textbackslash": "\\", "textasciitilde": "~", "textquotedblleft": "“", "textquotedblright": "”", "glqq": "„"},
    **{"grqq": "“", "flqq": "«", "frqq": "»", "LaTeX": "LaTeX", "TeX": "TeX", "quad": " ", "qquad": " ", "and": ", "},
    **{"dq": '"', "textbar": "|", "slash": "/", "item": "- ", "textquotesingle": "'", "textasciicircum": "^"},
}
UNWRAPPED = frozenset(
    """emph textbf textit texttt textsc textsf textrm textmd textup textsl textnormal underline uline mbox caption
    title author date subtitle MakeUppercase uppercase lowercase textsuperscript textsubscript url nolinkurl
    ac acs acl gls Gls strong fbox""".split()
)
"""Commands that only dress their argument."""
WRAPPED = {
    **dict.fromkeys(("footnote", "footnotetext", "thanks", "marginpar"), (" (", ")")),
    **dict.fromkeys(("cite", "citep", "citet", "parencite", "textcite", "autocite", "footcite"), ("[", "]")),
    **dict.fromkeys(("ref", "eqref", "pageref", "autoref", "cref", "Cref", "nameref", "vref"), ("[", "]")),
    **{"enquote": ("“", "”"), "bibitem": ("- [", "] ")},
}
"""Command → what stands around its argument."""
DROPPED = frozenset(
    """label index vspace hspace pagestyle thispagestyle setlength addtolength setcounter bibliographystyle cline
    selectlanguage pagenumbering linespread fontsize addcontentsline markboth markright nocite cmidrule color""".split()
)
"""Commands for the layout, with their arguments."""
SWITCHES = frozenset(
    """tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge bfseries itshape ttfamily sffamily
    rmfamily scshape upshape mdseries normalfont centering raggedright raggedleft noindent indent clearpage newpage
    cleardoublepage maketitle tableofcontents listoffigures listoftables par smallskip medskip bigskip vfill hfill
    linebreak newline pagebreak nopagebreak frontmatter mainmatter backmatter appendix printbibliography protect relax
    hline toprule midrule bottomrule sloppy fi bf it em rm tt sc sf""".split()
)
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
SHOWN = frozenset(
    """document center flushleft flushright figure figure* table table* quote quotation verse abstract minipage
    titlepage multicols landscape sloppypar threeparttable appendices""".split()
)
"""Environments that only place what they hold."""
