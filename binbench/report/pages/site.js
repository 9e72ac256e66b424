"use strict";

/* Tables whose columns sort at a click or a key: numbers by data-value, the rest as text; missing values stay last. */
function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    if (header.classList.contains("fixed")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const isNumber = header.classList.contains("number");
      const before = header.getAttribute("aria-sort");
      const down = before === "none" ? isNumber : before === "ascending";
      headers.forEach((other) => other.hasAttribute("aria-sort") && other.setAttribute("aria-sort", "none"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = [...table.tBodies[0].rows].map((row) => {
        const cell = row.cells[column];
        const text = isNumber ? cell.dataset.value : cell.textContent.trim();
        return { row, missing: text === "" || text === undefined, key: isNumber ? Number(text) : text };
      });
      keyed.sort((a, b) => {
        if (a.missing || b.missing) return a.missing - b.missing;
        const order = isNumber ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true });
        return down ? -order : order;
      });
      table.tBodies[0].append(...keyed.map(({ row }) => row));
    });
  });
}

function makeChart(data) {
  const { values, figures, looks, by } = data;
  const chart = document.getElementById("chart");
  const select = { x: document.getElementById("x"), y: document.getElementById("y") };
  const log = { x: document.getElementById("x-log"), y: document.getElementById("y-log") };
  const frontier = document.getElementById("frontier");
  const figure = Object.fromEntries(figures.map((one) => [one.name, one]));
  const usual = { x: ["bytes_per_vector"], y: ["recall@10", "recall@1"] };
  const rows = [...document.querySelectorAll("#results tbody tr")].sort((a, b) => a.dataset.i - b.dataset.i);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const escaped = (text) => String(text).replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
  const shown = (value) => {
    if (value === null || value === undefined) return "–";
    if (Number.isInteger(value)) return value.toLocaleString("en");
    if (Math.abs(value) < 1e-4) return value.toExponential(2);
    return value.toLocaleString("en", { maximumSignificantDigits: Math.abs(value) < 1e4 ? 4 : 7 });
  };
  const withInterval = (name, i) => {
    const low = values[`${name}_ci_low`]?.[i];
    const interval = low === null || low === undefined ? "" : ` [${shown(low)}, ${shown(values[`${name}_ci_high`][i])}]`;
    return shown(values[name][i]) + interval;
  };

  for (const axis of ["x", "y"]) {
    for (const group of new Set(figures.map((one) => one.group))) {
      const part = document.createElement("optgroup");
      part.label = group;
      part.append(...figures.filter((one) => one.group === group).map((one) => new Option(one.axis, one.name)));
      select[axis].append(part);
    }
    select[axis].value = usual[axis].find((name) => name in figure) ?? figures[0]?.name;
    log[axis].checked = spread(select[axis].value);
    select[axis].addEventListener("change", () => { log[axis].checked = spread(select[axis].value); draw(); });
    log[axis].addEventListener("change", draw);
  }
  frontier.addEventListener("change", draw);

  /* A logarithmic axis is the better start for figures that span decades. */
  function spread(name) {
    const all = (values[name] ?? []).filter((value) => value !== null);
    return all.length > 0 && figure[name].group !== "quality" && Math.min(...all) > 0 && Math.max(...all) / Math.min(...all) > 20;
  }

  const boxes = Object.keys(looks).map((name) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.value = name;
    box.addEventListener("change", draw);
    label.append(box, ` ${name}`);
    return label;
  });
  const group = document.getElementById("groups");
  group.append(...boxes);
  const inputs = [...group.querySelectorAll("input")];
  for (const [id, state] of [["all", true], ["none", false]]) {
    document.getElementById(id).addEventListener("click", () => { inputs.forEach((box) => { box.checked = state; }); draw(); });
  }
  const conditions = data.filters.map((name) => {
    const label = document.createElement("label");
    const choice = document.createElement("select");
    choice.dataset.name = name;
    choice.append(new Option("any", ""), ...[...new Set(values[name])].sort((a, b) => (a > b) - (a < b)).map((v) => new Option(String(v), String(v))));
    choice.addEventListener("change", draw);
    label.append(`${name} `, choice);
    document.getElementById("conditions").append(label);
    return choice;
  });

  function passing() {
    const wanted = new Set(inputs.filter((box) => box.checked).map((box) => box.value));
    return rows.map((_, i) => i).filter((i) =>
      wanted.has(values[by][i]) && conditions.every((one) => one.value === "" || String(values[one.dataset.name][i]) === one.value));
  }

  function errors(name, members) {
    const low = values[`${name}_ci_low`];
    if (!low) return undefined;
    const side = (end, sign) => members.map((i) => end[i] === null ? 0 : Math.max(0, sign * (end[i] - values[name][i])));
    return { type: "data", symmetric: false, array: side(values[`${name}_ci_high`], 1), arrayminus: side(low, -1), thickness: 1, width: 2 };
  }

  /* A narrow screen has no room for everything; there a tap opens the details below the chart. */
  function hover(i) {
    const narrow = chart.clientWidth < 600;
    const wanted = (one) => values[one.name][i] !== null && (!narrow || [select.x.value, select.y.value].includes(one.name));
    const items = figures.filter(wanted).map((one) => `${escaped(one.label)} <b>${withInterval(one.name, i)}</b>`);
    const lines = [];
    for (let j = 0; j < items.length; j += narrow ? 1 : 2) lines.push(items.slice(j, j + (narrow ? 1 : 2)).join("  ·  "));
    const where = `k ${values.k[i]}, ${escaped(values.mode[i])}, ${values.threads[i]} thread(s), Q ${shown(values.queries[i])}, seed ${values.seed[i]}`;
    return `<b>${escaped(values.method[i])}</b> ${narrow ? "" : ` on ${escaped(values.set[i])}<br>${where}`}<br>${lines.join("<br>")}`;
  }

  function best(points, x, y) {
    if (!frontier.checked || !figure[x].better || !figure[y].better || x === y) return [];
    const sign = (name) => (figure[name].better === "smaller" ? 1 : -1);
    const sorted = [...points].sort((a, b) => sign(x) * (values[x][a] - values[x][b]) || sign(y) * (values[y][a] - values[y][b]));
    const kept = [];
    for (const i of sorted) if (!kept.length || sign(y) * (values[y][i] - values[y][kept[kept.length - 1]]) < 0) kept.push(i);
    return kept;
  }

  function draw() {
    const chosen = passing();
    const kept = new Set(chosen);
    rows.forEach((row, i) => { row.hidden = !kept.has(i); });
    document.getElementById("count").textContent = `${chosen.length} of ${rows.length} results`;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const [x, y] = [select.x.value, select.y.value];
    if (!figure[x] || !figure[y]) return;
    const points = chosen.filter((i) => values[x][i] !== null && values[y][i] !== null);
    const isLog = {};
    const notes = [];
    for (const axis of ["x", "y"]) {
      const lost = points.some((i) => values[select[axis].value][i] <= 0);
      isLog[axis] = log[axis].checked && !lost;
      if (log[axis].checked && lost) notes.push(`${figure[select[axis].value].label} has values that a logarithmic axis cannot show; it is linear.`);
    }
    if (points.length < chosen.length) notes.push(`${chosen.length - points.length} of ${chosen.length} results have no value for one of the two figures.`);
    document.getElementById("chart-note").textContent = notes.join(" ");
    const traces = Object.entries(looks).map(([name, look]) => {
      const members = points.filter((i) => values[by][i] === name);
      const ink = look.colour === "#000000" ? colour("--text") : look.colour;
      return {
        type: "scatter", mode: "markers", name: escaped(name), customdata: members, x: members.map((i) => values[x][i]), y: members.map((i) => values[y][i]),
        error_x: errors(x, members), error_y: errors(y, members), text: members.map(hover), hovertemplate: "%{text}<extra></extra>",
        marker: { color: ink, symbol: look.symbol, size: 10, line: { width: look.symbol.endsWith("-open") ? 2 : 1, color: look.symbol.endsWith("-open") ? ink : colour("--ground") } },
      };
    }).filter((trace) => trace.customdata.length);
    const edge = best(points, x, y);
    if (edge.length > 1) {
      traces.unshift({
        type: "scatter", mode: "lines", name: "Pareto frontier", x: edge.map((i) => values[x][i]), y: edge.map((i) => values[y][i]), hoverinfo: "skip",
        line: { shape: "hv", dash: "dash", width: 1.5, color: colour("--soft") },
      });
    }
    const small = chart.clientWidth < 600;
    const axis = (name, which) => ({
      title: { text: escaped(figure[name].axis), font: { size: 13 }, standoff: 8 }, type: isLog[which] ? "log" : "linear", automargin: true,
      gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--soft"), exponentformat: "none", separatethousands: true,
      ...(isLog[which] ? { dtick: name === "bytes_per_vector" && which === "x" ? Math.log10(2) * (small ? 2 : 1) : small ? 1 : undefined, tick0: 0 } : { rangemode: "tozero" }),
    });
    Plotly.react(chart, traces, {
      xaxis: axis(x, "x"), yaxis: axis(y, "y"), paper_bgcolor: colour("--ground"), plot_bgcolor: colour("--ground"),
      font: { color: colour("--text"), family: "system-ui, sans-serif", size: 12 }, margin: { l: 50, r: 10, t: 10, b: 40 }, hovermode: "closest",
      hoverlabel: { align: "left", font: { size: small ? 11 : 10, color: colour("--text") }, bgcolor: colour("--raised"), bordercolor: colour("--soft") },
      showlegend: true, legend: { orientation: "h", y: -0.16, yanchor: "top", x: 0, itemclick: false, itemdoubleclick: false, font: { size: small ? 10 : 12 } },
    }, { responsive: true, displaylogo: false, displayModeBar: small ? false : "hover" });
  }

  function details(i, focus) {
    document.getElementById("details").hidden = false;
    const title = document.getElementById("details-title");
    title.textContent = `${values.method[i]} on ${values.set[i]}`;
    document.getElementById("details-note").textContent = data.notes[i];
    const items = [
      ["conditions", `k ${values.k[i]}, ${values.mode[i]}, ${values.threads[i] ?? "–"} thread(s), Q ${shown(values.queries[i])}, seed ${values.seed[i] ?? "–"}`],
      ["measured", values.date[i] ?? "–"],
      ...figures.filter((one) => values[one.name][i] !== null).map((one) => [one.axis, withInterval(one.name, i)]),
    ];
    document.getElementById("details-figures").replaceChildren(...items.map(([label, text]) => {
      const [item, term, description] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = label;
      description.textContent = text;
      item.append(term, description);
      return item;
    }));
    document.getElementById("details-command").textContent = values.reproduce[i] ?? "";
    document.getElementById("copied").textContent = "";
    rows.forEach((row, j) => row.classList.toggle("chosen", j === i));
    if (focus) title.focus();
  }

  draw();
  chart.on("plotly_click", (event) => {
    const i = event.points[0].customdata;
    if (i !== undefined) details(i, false);
  });
  dark.addEventListener("change", draw);
  document.querySelectorAll("#results .show").forEach((button) => {
    button.addEventListener("click", () => details(Number(button.closest("tr").dataset.i), true));
  });
  document.getElementById("copy").addEventListener("click", async () => {
    const code = document.getElementById("details-command");
    try {
      await navigator.clipboard.writeText(code.textContent);
      document.getElementById("copied").textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code);
      document.getElementById("copied").textContent = "selected; press Ctrl+C";
    }
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
const stored = document.getElementById("data");
if (stored) makeChart(JSON.parse(stored.textContent));
