"""JavaScript that looks at an open notebook: what it holds, and what a reader sees of it."""

from __future__ import annotations

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

_PANEL = "const panel = window.jupyterapp.shell.currentWidget;"

READY = f"""() => {{
  if (!window.jupyterapp) return false;
  {_PANEL}
  const kernel = panel?.sessionContext?.session?.kernel;
  return panel?.content?.widgets?.length > 0 && kernel?.status === "idle";
}}"""

# errors and warnings that reach no cell, such as those of a widget's own callback
LISTEN = f"""() => {{
  {_PANEL}
  window.ftlibHeard = [];
  panel.sessionContext.iopubMessage.connect((_, message) => {{
    const {{msg_type}} = message.header, {{content}} = message;
    if (msg_type === "error") window.ftlibHeard.push(content.ename + ": " + content.evalue);
    if (msg_type === "stream" && content.name === "stderr") window.ftlibHeard.push(content.text);
  }});
}}"""

HEARD = "() => window.ftlibHeard"

RUN_ALL = """() => {
  window.ftlibRan = false;
  window.jupyterapp.commands.execute("notebook:run-all-cells").finally(() => { window.ftlibRan = true; });
}"""

IDLE = f"""() => {{
  {_PANEL}
  const waiting = [...panel.node.querySelectorAll(".jp-InputPrompt")].some(e => e.textContent.includes("*"));
  return !waiting && panel.sessionContext.session?.kernel?.status === "idle";
}}"""

# to the top, and how high the window must be to hold the last cell
HEIGHT = f"""() => {{
  {_PANEL}
  const cells = panel.content.node.querySelectorAll(".jp-Cell");
  const scrollers = panel.content.node.querySelectorAll(".jp-WindowedPanel-outer");
  for (const e of [panel.content.node, ...scrollers]) e.scrollTop = 0;
  return Math.ceil(cells[cells.length - 1].getBoundingClientRect().bottom);
}}"""

# one entry a cell: index, type, tags, source, outputs (without their content), printed (text of stdout),
# asked (outputs that are widgets), drawn (widgets in the page), text (all that its outputs show)
CELLS = f"""() => {{
  {_PANEL}
  return panel.content.widgets.map((cell, index) => {{
    const code = cell.model.type === "code";
    const outputs = code ? cell.model.outputs.toJSON() : [];
    const lines = text => Array.isArray(text) ? text.join("") : text ?? "";
    const shown = outputs.map(o => ({{
      type: o.output_type, name: o.name ?? o.ename ?? "", mimes: Object.keys(o.data ?? {{}}),
      text: o.output_type === "error" ? o.evalue : lines(o.text),
    }}));
    const areas = [...cell.node.querySelectorAll(".jp-OutputArea-child")];
    return {{
      index, type: cell.model.type, tags: cell.model.getMetadata("tags") ?? [],
      source: cell.model.sharedModel.getSource(), outputs: shown,
      printed: shown.filter(o => o.name === "stdout").map(o => o.text).join(""),
      asked: shown.filter(o => o.mimes.includes("{WIDGET_VIEW}")).length,
      drawn: areas.filter(area => area.querySelector(".jupyter-widgets")).length,
      text: areas.map(area => area.textContent).join("\\n"),
    }};
  }});
}}"""

# text of an element and what lies in it that a reader can hardly see: ratio of luminance below 4.5
CONTRAST = """(selector) => {
  const part = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
  const behind = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] >= 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const found = [];
  for (const root of document.querySelectorAll(selector)) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement, text = node.textContent.trim();
      if (!text || !element.checkVisibility() || element.closest("[disabled], style, script")) continue;
      const back = behind(element), front = over(rgba(getComputedStyle(element).color), back);
      const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
      const ratio = (high + 0.05) / (low + 0.05);
      found.push({text: text.slice(0, 60), ratio: Math.round(100 * ratio) / 100});
    }
  }
  return found;
}"""

# elements that are wider than the room they have, so that a reader must scroll sideways to see them
WIDE = """(selector) => [...document.querySelectorAll(selector)].filter(e => e.checkVisibility()).flatMap(e => {
  const box = e.getBoundingClientRect(), cell = e.closest(".jp-OutputArea-child, .jp-Cell").getBoundingClientRect();
  const wide = e.scrollWidth > e.clientWidth + 1 || box.right > cell.right + 1;
  return wide ? [`${e.className.toString().slice(0, 60)}: ${e.scrollWidth} px in ${e.clientWidth}, "` +
                 `${e.innerText.trim().slice(0, 40)}"`] : [];
})"""

# what JupyterLab and the widgets' own code say in the place of a widget that they cannot show
BROKEN = (
    "model not found", "Error displaying widget", "Loading widget", "Failed to load model", "could not render",
    "not yet rendered", "No renderer", "Javascript Error",
)  # fmt: skip

FIGURES = """(selector) => [...document.querySelectorAll(selector)].map(e => (
  {width: e.naturalWidth, shown: e.getBoundingClientRect().width, alt: e.alt}
))"""

# where the keyboard is
FOCUS = """() => {
  const e = document.activeElement;
  return {text: e.textContent.trim(), quiz: !!e.closest(".ftlib-quiz"), slider: e.matches(".noUi-handle")};
}"""

# gives the notebook the keyboard, with this cell selected, as the arrow keys would
SELECT = f"""(index) => {{
  {_PANEL}
  panel.content.activeCellIndex = index; panel.content.mode = "command"; panel.content.activate();
}}"""
