"use strict";
(() => {
  const operations = JSON.parse(document.getElementById("page-data").textContent);
  const sandbox = document.getElementById("sandbox");
  const chinese = () => document.getElementById("language-zh-CN").checked;
  const say = (zh, en) => (chinese() ? zh : en);
  for (const choice of document.querySelectorAll(".choice")) {
    choice.addEventListener("change", () => { document.documentElement.lang = choice.id.replace("language-", ""); });
  }
  if (window.matchMedia("(max-width: 60rem)").matches) document.querySelector("nav details").open = false;
  if (!sandbox) return;
  sandbox.closest("label").hidden = false;

  const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
  const quote = (text) => "'" + text.replace(/\r?\n\s*/g, " ").replaceAll("'", "'\\''") + "'";

  function call(form) {
    const operation = operations[form.dataset.operation];
    let path = operation.path;
    const query = [];
    const headers = {};
    operation.inputs.forEach((input, number) => {
      const value = form.elements[String(number)].value;
      const parts = input.list && input.in !== "header" ? value.split(",").map((part) => part.trim()) : [value];
      if (input.in === "path") path = path.replace("{" + input.name + "}", parts.map(encode).join(","));
      if (value === "") return;
      if (input.in === "query" && input.explode) for (const part of parts) query.push(encode(input.name) + "=" + encode(part));
      else if (input.in === "query") query.push(encode(input.name) + "=" + parts.map(encode).join(","));
      if (input.in === "header") headers[input.name] = value;
    });
    const body = operation.media ? form.elements.body.value : undefined;
    if (operation.media) headers["Content-Type"] = operation.media;
    if (form.elements.expect.value) headers.Prefer = "code=" + form.elements.expect.value;
    const url = sandbox.value.trim().replace(/\/+$/, "") + path + (query.length ? "?" + query.join("&") : "");
    return { method: operation.method, url, headers, body: body === "" ? undefined : body };
  }

  function command({ method, url, headers, body }) {
    const parts = ["curl", "-X", method, quote(url)];
    for (const [name, value] of Object.entries(headers)) parts.push("-H", quote(name + ": " + value));
    if (body !== undefined) parts.push("--data", quote(body));
    return parts.join(" ");
  }

  function show(result, told, kind, text) {
    const line = document.createElement("p");
    line.className = "told " + kind;
    line.textContent = told;
    result.replaceChildren(line);
    if (!text) return;
    const code = document.createElement("code");
    code.textContent = text;
    const block = document.createElement("pre");
    block.tabIndex = 0;
    block.append(code);
    result.append(block);
  }

  function pretty(text, type) {
    if (!/json/i.test(type || "")) return text;
    try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
  }

  async function send(form) {
    const result = form.querySelector(".result");
    const button = form.querySelector("button");
    const { method, url, headers, body } = call(form);
    if (!/^https?:\/\//i.test(url)) return show(result, say("沙箱地址须以 http:// 或 https:// 开头。", "The sandbox address must begin with http:// or https://."), "bad");
    button.disabled = true;
    const started = performance.now();
    try {
      const answer = await fetch(url, { method, headers, body, credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(30000) });
      const text = await answer.text();
      const took = Math.round(performance.now() - started);
      const told = `${answer.status} ${answer.statusText} · ${took} ms · ${answer.headers.get("content-type") || ""}`;
      show(result, told, answer.ok ? "good" : "bad", pretty(text.slice(0, 200000), answer.headers.get("content-type")));
    } catch (error) {
      show(result, say("没有得到返回。沙箱是否在运行，地址是否正确？", "No answer. Is the sandbox running, and is its address right?") + ` (${error.message})`, "bad");
    } finally {
      button.disabled = false;
    }
  }

  for (const form of document.querySelectorAll(".trial")) {
    const around = form.closest(".try");
    const line = around.querySelector(".command");
    const refresh = () => { line.textContent = command(call(form)); };
    form.hidden = false;
    around.querySelector(".no-script").hidden = true;
    form.addEventListener("submit", (event) => { event.preventDefault(); send(form); });
    form.addEventListener("input", refresh);
    sandbox.addEventListener("input", refresh);
    refresh();
  }
})();
