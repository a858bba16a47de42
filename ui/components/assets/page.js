// A page of a document as a picture. A new one is scrolled to its highlight; a button shows it twice as large.

const [GREEN, BLUE] = [235 / 255, 105 / 255]; // of red, under the marker pen (ingest/loaders/pdf_render.py), on any grey
const NEAR = 0.03; // some browsers blur what a page reads back from a picture
const DARKEST = 100;
const RUN = 8; // pixels side by side, so that a stray one is not taken for a passage

const marks = new WeakMap();

export default function ({ parentElement, data }) {
  let frame = parentElement.querySelector(".page");
  if (!frame) {
    frame = made();
    parentElement.appendChild(frame);
  }
  const image = frame.querySelector("img");
  image.alt = data.alt;
  if (image.dataset.shown === data.key) return;
  image.dataset.shown = data.key;
  image.onload = () => {
    marks.set(image, data.highlighted ? highlight(image) : null);
    reveal(image);
  };
  image.src = `data:image/png;base64,${data.png}`;
}

function made() {
  const [frame, sheet, image, zoom] = ["div", "div", "img", "button"].map((tag) => document.createElement(tag));
  frame.className = "page";
  sheet.className = "sheet";
  sheet.tabIndex = 0;
  zoom.type = "button";
  zoom.className = "zoom";
  zoom.textContent = "Enlarge";
  zoom.onclick = () => {
    zoom.textContent = frame.classList.toggle("large") ? "Whole width" : "Enlarge";
  };
  new ResizeObserver(() => reveal(image)).observe(image); // also when it gets its size only after it was loaded
  sheet.append(image);
  frame.append(sheet, zoom);
  return frame;
}

// The highlight in the upper third, with a little of what stands left of it; without one, the top.
function reveal(image) {
  const sheet = image.parentElement;
  const mark = marks.get(image) ?? { x: 0, y: 0 };
  sheet.scrollTo(mark.x * image.clientWidth - 24, mark.y * image.clientHeight - sheet.clientHeight / 3);
}

// Where the highlight begins, as shares of the page's width and height; null where none can be seen.
function highlight(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let pixel = 0, run = 0; pixel * 4 < data.length; pixel += 1) {
    const [red, green, blue] = [data[pixel * 4], data[pixel * 4 + 1], data[pixel * 4 + 2]];
    const marked = red > DARKEST && Math.abs(green / red - GREEN) < NEAR && Math.abs(blue / red - BLUE) < NEAR;
    run = marked ? run + 1 : 0;
    if (run === RUN) {
      return { x: (pixel % canvas.width - RUN) / canvas.width, y: Math.floor(pixel / canvas.width) / canvas.height };
    }
  }
  return null;
}
