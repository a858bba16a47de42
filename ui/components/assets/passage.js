// A text with its middle marked; scrolls the mark into view once for each new text.

const shown = new WeakMap();

export default function ({ parentElement, data }) {
  let box = parentElement.querySelector(".passage");
  if (!box) {
    box = document.createElement("div");
    box.className = "passage";
    box.tabIndex = 0;
    parentElement.appendChild(box);
    new ResizeObserver(() => reveal(box)).observe(box); // also when it gets its size only after its text
  }
  const state = JSON.stringify(data);
  if (shown.get(box) === state) return;
  shown.set(box, state);
  const mark = document.createElement("mark");
  mark.textContent = data.quote;
  box.replaceChildren(data.before, ...(data.quote ? [mark] : []), data.after);
  reveal(box);
}

function reveal(box) {
  const mark = box.querySelector("mark");
  box.scrollTop = mark ? Math.max(0, mark.offsetTop - box.offsetTop - 80) : 0;
}
