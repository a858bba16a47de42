// Passages one below the other, each with its address; a click chooses one. Everything shown becomes a text node.

const drawn = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  let list = parentElement.querySelector(".passages");
  if (!list) {
    list = element("ol", "passages");
    parentElement.appendChild(list);
  }
  list.classList.toggle("choosable", data.choosable);
  const texts = JSON.stringify(data.items.map(({ number, text }) => [number, text]));
  if (drawn.get(list) !== texts) {
    drawn.set(list, texts);
    const choose = data.choosable ? (number) => setTriggerValue("choose", number) : null;
    list.replaceChildren(...data.items.map((item) => card(item, choose)));
    list.scrollTop = 0;
  }
  data.items.forEach((item, place) => {
    list.children[place].classList.toggle("chosen", item.chosen);
    list.children[place].firstChild.setAttribute("aria-pressed", String(item.chosen));
  });
}

function card(item, choose) {
  const address = element(choose ? "button" : "span", "address", item.address);
  if (choose) address.type = "button";
  const above = item.header ? [element("p", "above", item.header)] : [];
  const made = element("li", "", address, element("p", "facts", item.facts), ...above, element("p", "text", item.text));
  if (choose) made.onclick = () => getSelection().isCollapsed && choose(item.number); // who marks words to copy chooses nothing
  return made;
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}
