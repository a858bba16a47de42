// Draws a receipt: facts, the window with its parts, the passages that were read, the prompt, an earlier run beside it.
// Everything shown becomes a text node.

const drawn = new WeakMap();

export default function ({ parentElement, data }) {
  let root = parentElement.querySelector(".slip");
  if (!root) {
    root = element("div", "slip");
    parentElement.appendChild(root);
  }
  const state = JSON.stringify(data);
  if (drawn.get(root) === state) return; // what is unfolded stays so
  drawn.set(root, state);
  root.replaceChildren(
    ...(data.warning ? [alarm(data.warning)] : []),
    facts(data.facts),
    ...(data.comparison ? comparison(data.comparison) : []),
    ...(data.tokens ? tokens(data.tokens) : []),
    ...candidates(data.candidates, data.more),
    ...(data.messages ? prompt(data.messages, data.whole) : []),
  );
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function alarm(text) {
  const box = element("p", "notice problem", text);
  box.setAttribute("role", "alert");
  return box;
}

function facts(items) {
  return element("dl", "", ...items.flatMap(([label, value]) => [element("dt", "", label), element("dd", "", value)]));
}

function tokens({ rows, window }) {
  const bar = element("div", "window");
  bar.setAttribute("aria-hidden", "true"); // the table says the same
  rows.forEach((row) => {
    const piece = element("span", row.kind);
    piece.style.width = `${(100 * row.tokens) / Math.max(window, 1)}%`;
    piece.title = `${row.name}: ${row.tokens}`;
    bar.append(piece);
  });
  const lines = rows.map((row) =>
    element("tr", "", element("td", "", element("span", `key ${row.kind}`), row.name), figure("td", row.tokens.toLocaleString("en"))));
  return [element("h3", "", "Tokens in the model's window"), bar, table([], lines)];
}

function candidates(rows, more) {
  const parts = [element("h3", "", "Passages that were read"), ranked(rows.filter((row) => row.shown))];
  const below = rows.filter((row) => !row.shown);
  if (!below.length) return parts;
  const rest = more ? [element("p", "quiet", `and ${more} more`)] : [];
  const title = element("summary", "", `${below.length + more} that were left out`);
  return [...parts, element("details", "", title, ranked(below), ...rest)];
}

function ranked(rows) {
  const head = ["", "Passage", "Words", "Meaning", "Together", "What became of it"];
  const lines = rows.map((row) => {
    const named = element("td", "", row.place, element("span", "id", row.chunk));
    return element("tr", row.kept ? "" : "dropped",
      element("td", "", String(row.rank)), named, figure("td", row.lexical), figure("td", row.dense), figure("td", row.score),
      element("td", "", row.reason));
  });
  return element("div", "wide", table(head, lines));
}

function prompt(messages, whole) {
  const told = whole ? "To the letter what was sent." : "Not all of what was sent is still there: a document was deleted, or Footnote has changed.";
  const folded = messages.map((message) =>
    element("details", "", element("summary", "", message.name), element("pre", "", message.text)));
  return [element("h3", "", "The prompt"), element("p", "quiet", told), ...folded];
}

function comparison({ title, facts: lines, candidates: moved, answers }) {
  const rows = lines.filter((line) => line.differs).map(difference);
  const same = lines.filter((line) => !line.differs).map((line) => line.label.toLowerCase());
  const passages = moved.map(difference);
  const parts = [
    element("h3", "", title),
    ...(rows.length ? [table(["", "Before", "Now"], rows)] : []),
    element("p", "quiet", `The same: ${same.join(", ") || "nothing"}.`),
    element("h3", "", "Passages that fared differently"),
    passages.length ? table(["Passage", "Before", "Now"], passages) : element("p", "quiet", "None."),
    element("h3", "", "The answers"),
  ];
  if (answers.same) return [...parts, element("p", "quiet", "Word for word the same.")];
  return [...parts, element("div", "side", ...[answers.before, answers.after].map((text) => element("p", "", text)))];
}

function difference(line) {
  return element("tr", "differs", ...[line.label, line.before, line.after].map((text) => element("td", "", text)));
}

function table(head, rows) {
  const made = element("table", "");
  if (head.length) {
    const cells = head.map((name) => (["Words", "Meaning", "Together"].includes(name) ? figure("th", name) : element("th", "", name)));
    made.append(element("thead", "", element("tr", "", ...cells)));
  }
  made.append(element("tbody", "", ...rows));
  return made;
}

function figure(tag, text) {
  return element(tag, "figure", text);
}
