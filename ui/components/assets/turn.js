// Draws one turn: question, evidence, answer with footnotes, sources. Everything shown becomes a text node.

const drawn = new WeakMap();
const clicked = new WeakMap();
const SETTLED = 350; // milliseconds; before, a page that stood at its end is scrolled to the end again

// When the passage opens beside the answer, the answer becomes narrow: what was clicked must not run away.
const keepInSight = new ResizeObserver((changes) => {
  for (const { target, contentRect } of changes) {
    const last = clicked.get(target);
    if (last && last.width !== contentRect.width) {
      last.width = contentRect.width;
      setTimeout(() => last.button.isConnected && last.button.scrollIntoView({ block: "center" }), SETTLED);
    }
  }
});

export default function ({ parentElement, data, setTriggerValue }) {
  let root = parentElement.querySelector(".turn");
  if (!root) {
    root = element("article", "turn");
    parentElement.appendChild(root);
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) clicked.set(root, { button, width: root.clientWidth });
    });
    keepInSight.observe(root);
  }
  const open = (kind, number) => setTriggerValue("open", { kind, number });
  section(root, "question", data.question, (text) => [element("h2", "question", text)]);
  section(root, "searched", data.searched, (searched) => searchedFor(searched, open));
  section(root, "evidence", data.evidence, (cards) => evidence(cards, open));
  section(root, "answer", data.answer, (answer) => prose(answer, open));
  section(root, "refusal", data.refusal, (refusal) => refused(refusal, open));
  section(root, "notices", data.notices, (notices) => notices.map(notice));
  section(root, "sources", data.sources, (sources) => list("Sources", sources, open));
  section(root, "status", data.status, (text) => [status(text)]);
  section(root, "foot", data.foot, (parts) => foot(parts, open));
}

// A part is drawn again only when its data changed, so that a growing answer does not disturb the rest.
function section(root, name, value, draw) {
  let box = root.querySelector(`:scope > [data-part="${name}"]`);
  if (!box) {
    box = element("section", name);
    box.dataset.part = name;
    root.appendChild(box);
  }
  const state = JSON.stringify(value ?? null);
  if (drawn.get(box) === state) return;
  drawn.set(box, state);
  const empty = value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
  box.hidden = empty;
  box.replaceChildren(...(empty ? [] : draw(value)));
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function button(className, label, onclick, ...children) {
  const made = element("button", className, ...children);
  made.type = "button";
  if (label) made.setAttribute("aria-label", label);
  made.onclick = onclick;
  return made;
}

function searchedFor({ text, undo, limits }, open) {
  const what = text ? ["Searched for: ", element("em", "", text)] : ["Searched"];
  const where = limits ? [text ? " in " : " in: ", element("em", "limits", limits)] : [];
  const told = element("span", "", ...what, ...where);
  return undo ? [told, button("quiet", null, () => open("as_typed", 0), "Search only for what I typed")] : [told];
}

function evidence(cards, open) {
  const strip = element("div", "strip");
  strip.setAttribute("role", "list");
  cards.forEach((card) => {
    const text = element("span", "excerpt", card.before, element("mark", "", card.mark), card.after);
    const head = element("span", "head", element("span", "title", card.title), element("span", "where", card.where));
    const above = card.header ? [element("span", "above", card.header)] : [];
    const item = element("div", "item", button("card", null, () => open("evidence", card.number), head, ...above, text));
    item.setAttribute("role", "listitem");
    strip.append(item);
  });
  const count = cards.length === 1 ? "1 passage found" : `${cards.length} passages found`;
  return [element("h3", "", count), strip];
}

function prose(answer, open) {
  const box = element("div", "prose");
  answer.pieces.forEach((piece) => {
    if (!piece.verdict) {
      box.append(...inline(piece.text));
      return;
    }
    const sentence = element("span", `sentence ${piece.verdict}`, ...inline(piece.text));
    if (piece.remark) sentence.title = piece.remark;
    box.append(sentence);
    piece.notes.forEach((note) => box.append(footnote(note, open)));
    if (piece.otherwise.length) box.append(otherwise(piece.otherwise, open));
    if (piece.verdict === "not_found") box.append(element("span", "tag", "not in your documents"));
    if (piece.verdict === "general") box.append(element("span", "tag quiet", "general knowledge"));
  });
  if (answer.draft) box.append(element("span", "draft", ...inline(answer.draft)));
  if (answer.writing) box.append(element("span", "caret"));
  return [box];
}

function otherwise(notes, open) {
  const label = notes.length === 1 ? "another source says otherwise" : "other sources say otherwise";
  return element("span", "tag otherwise", label, ...notes.map((note) => footnote(note, open)));
}

function footnote(note, open) {
  const made = button("footnote", `Footnote ${note.number}: ${note.label}`, () => open("citation", note.number), String(note.number));
  made.title = note.quote ? `${note.label}\n\n“${note.quote}”` : note.label;
  return element("sup", "", made);
}

// Emphasis is the only Markdown that models write in prose and that is shown; the rest stays as it was typed.
function inline(text) {
  return text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`)/).filter(Boolean).map((part) => {
    if (part.startsWith("**") && part.length > 4) return element("strong", "", part.slice(2, -2));
    if (part.startsWith("`") && part.length > 2) return element("code", "", part.slice(1, -1));
    return document.createTextNode(part.replace(/^[*-] /gm, "• "));
  });
}

function refused(refusal, open) {
  const parts = [element("p", "verdict", refusal.title), element("p", "hint", refusal.hint)];
  if (refusal.everywhere) parts.push(button("quiet", null, () => open("everywhere", 0), "Ask without the filter"));
  return refusal.nearest.length ? [...parts, ...list("The nearest passages", refusal.nearest, open)] : parts;
}

function list(title, sources, open) {
  const rows = element("ol", "rows");
  sources.forEach((source) => {
    const number = element("span", "number", String(source.number));
    const text = element("span", "text",
      element("span", "title", source.title), element("span", "where", source.where), element("span", "quote", source.quote));
    const row = button("row", null, () => open("citation", source.number), number, text);
    row.disabled = source.gone;
    rows.append(element("li", "", row));
  });
  return [element("h3", "", title), rows];
}

function notice(item) {
  const box = element("p", `notice ${item.kind}`, ...inline(item.text));
  if (item.kind === "problem") box.setAttribute("role", "alert");
  return box;
}

function status(text) {
  const box = element("p", "status", element("span", "dot"), text);
  box.setAttribute("role", "status");
  return box;
}

function foot({ copy, meta, receipt }, open) {
  const parts = [element("span", "meta", meta)];
  if (receipt) parts.unshift(button("quiet receipt", null, () => open("receipt", 0), "Receipt"));
  if (copy) {
    const made = button("quiet copy", null, async () => {
      try {
        await navigator.clipboard.writeText(copy);
        made.textContent = "Copied";
      } catch {
        made.textContent = "Copying is not allowed here";
      }
      setTimeout(() => (made.textContent = "Copy with footnotes"), 2000);
    }, "Copy with footnotes");
    parts.unshift(made);
  }
  return parts;
}
