"use strict";
// The server renders the page; this script sends the user's actions and replaces what has changed.

const { user, channel } = document.body.dataset;
const commands = JSON.parse(document.body.dataset.commands);
const list = document.getElementById("messages");
const side = document.getElementById("side");
const modal = document.getElementById("modal");
const journal = document.getElementById("journal");
const inspector = document.getElementById("inspector");

const element = (html) => {
  const holder = document.createElement("template");
  holder.innerHTML = html.trim();
  return holder.content.firstElementChild;
};
const fragment = async (path) => {
  const answer = await fetch(path);
  return answer.ok ? answer.text() : null;
};
const bottom = (pane) => pane && (pane.scrollTop = pane.scrollHeight);
const atBottom = (pane) => pane.scrollHeight - pane.scrollTop - pane.clientHeight < 120;

let toastTimer;
function toast(text) {
  document.getElementById("toast").textContent = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (document.getElementById("toast").textContent = ""), 6000);
}

async function act(kind, details) {
  const answer = await fetch("/local/act", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ user, kind, channel, ...details }),
  });
  const done = await answer.json();
  if (!done.ok && kind !== "command" && done.error !== "incomplete") {
    toast(answer.status === 400 ? done.error : `The app did not answer (${done.error}).`);
  }
  await showModal();
  return done;
}

// Actions of the user

function valueOf(pick) {
  const kind = pick.dataset.kind;
  if (kind === "radio_buttons") return pick.querySelector(":checked")?.value ?? "";
  if (kind === "checkboxes") return [...pick.querySelectorAll(":checked")].map((box) => box.value);
  if (pick.multiple) return [...pick.selectedOptions].map((option) => option.value);
  return pick.value;
}

function valuesIn(view) {
  const values = {};
  for (const one of view.querySelectorAll(".element")) {
    const pick = one.querySelector(".pick");
    if (pick) (values[one.dataset.block] ??= {})[one.dataset.action] = valueOf(pick);
  }
  return values;
}

function confirmed(one) {
  const dialog = one.querySelector(":scope > dialog.confirm");
  if (!dialog) return Promise.resolve(true);
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
    dialog.showModal();
  });
}

async function press(one, value, button) {
  if (!(await confirmed(one))) return;
  const view = one.closest(".view");
  const place = view ? { view_id: view.dataset.view } : { ts: one.closest(".message").dataset.ts };
  button?.classList.add("busy");
  await act("click", { ...place, action_id: one.dataset.action, block_id: one.dataset.block, value });
  button?.classList.remove("busy");
}

document.addEventListener("click", async (event) => {
  const target = event.target.closest("button, a");
  for (const menu of document.querySelectorAll("details.overflow[open]")) if (!menu.contains(event.target)) menu.open = false;
  if (!target) return;
  const message = target.closest(".message");
  if (target.matches(".press")) {
    const menu = target.closest("details.overflow");
    if (menu) menu.open = false;
    if (target.dataset.url && target.dataset.url !== "#") window.open(target.dataset.url, "_blank", "noopener,noreferrer");
    await press(target.closest(".element"), target.dataset.value ?? null, target);
  } else if (target.matches("[data-open-thread]")) {
    event.preventDefault();
    await openThread(target.dataset.openThread);
  } else if (target.matches("[data-close-thread]")) {
    event.preventDefault();
    side.replaceChildren();
    history.replaceState(null, "", `/c/${channel}`);
  } else if (target.matches("[data-shortcut]")) {
    await act("shortcut", { ts: message.dataset.ts, callback_id: target.dataset.shortcut });
  } else if (target.matches(".dismiss")) {
    await act("dismiss", { ts: message.dataset.ts });
  } else if (target.matches("[data-submit]")) {
    const view = target.closest(".view");
    target.disabled = true;
    await act("submit_view", { view_id: view.dataset.view, values: valuesIn(view) });
    target.disabled = false;
  } else if (target.matches("[data-close-view]")) {
    await act("close_view", { view_id: target.closest(".view").dataset.view });
  } else if (target.id === "inspect" || target.id === "inspect-close") {
    inspector.hidden = !inspector.hidden;
    document.getElementById("inspect").setAttribute("aria-expanded", String(!inspector.hidden));
    if (!inspector.hidden) await moreJournal();
  }
});

document.addEventListener("change", async (event) => {
  if (event.target.id === "act-as") event.target.form.submit();
  const pick = event.target.closest(".pick");
  const one = pick?.closest(".element");
  if (!one || (one.closest(".input") && !one.dataset.dispatch)) return;
  if (valueOf(pick) !== "") await press(one, valueOf(pick));
});

modal.addEventListener("cancel", (event) => {
  event.preventDefault();
  const view = modal.querySelector(".view");
  if (view) act("close_view", { view_id: view.dataset.view });
});

async function showModal() {
  const html = await fragment("/page/modal");
  const before = modal.querySelector(".view");
  if (!html) {
    modal.close();
    modal.replaceChildren();
    return;
  }
  const view = element(html);
  if (before?.outerHTML !== view.outerHTML) {
    const kept = before?.dataset.view === view.dataset.view ? valuesIn(before) : {};
    modal.replaceChildren(view);
    for (const one of view.querySelectorAll(".input .element")) {
      const pick = one.querySelector(".pick");
      const value = kept[one.dataset.block]?.[one.dataset.action];
      if (typeof value === "string" && pick && !pick.matches("fieldset")) pick.value = value;
    }
  }
  if (!modal.open) modal.showModal();
}

// Composers

function suggest(form, text) {
  const box = form.querySelector(".commands");
  if (!box) return;
  const known = /^\/\S*$/.test(text) ? Object.entries(commands).filter(([name]) => name.startsWith(text)) : [];
  box.hidden = known.length === 0;
  box.replaceChildren(
    ...known.map(([name, description]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("role", "option");
      const strong = document.createElement("strong");
      const small = document.createElement("small");
      strong.textContent = name;
      small.textContent = description;
      button.append(strong, small);
      button.addEventListener("click", () => {
        const area = form.querySelector("textarea");
        area.value = `${name} `;
        area.focus();
        box.hidden = true;
      });
      return button;
    }),
  );
}

async function send(form) {
  const area = form.querySelector("textarea");
  const text = area.value.trim();
  if (!text) return;
  area.value = "";
  suggest(form, "");
  const thread_ts = form.dataset.thread;
  if (text.startsWith("/")) await act("command", { text, thread_ts });
  else await act("message", { text, thread_ts });
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".composer")) return;
  event.preventDefault();
  send(event.target);
});
document.addEventListener("input", (event) => {
  const form = event.target.closest(".composer");
  if (form) suggest(form, event.target.value);
});
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".composer");
  if (form && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send(form);
  }
});

// Updates

async function openThread(ts) {
  const html = await fragment(`/page/thread/${channel}/${ts}`);
  if (html === null) return;
  side.replaceChildren(element(html));
  history.replaceState(null, "", `/c/${channel}?thread=${side.firstElementChild.dataset.thread}`);
  bottom(document.getElementById("replies"));
}

async function swap(pane, prefix, ts, belongs) {
  if (!pane) return;
  const html = await fragment(`/page/message/${channel}/${ts}${prefix === "t" ? "?in=thread" : ""}`);
  const old = document.getElementById(`${prefix}-${ts}`);
  if (html === null) {
    old?.remove();
  } else if (old) {
    if (!old.querySelector("details[open], dialog[open]")) old.replaceWith(element(html));
    else setTimeout(() => (work = work.then(() => swap(pane, prefix, ts, belongs))), 500); // the user is choosing in it
  } else if (belongs) {
    const stay = !atBottom(pane);
    pane.append(element(html));
    if (!stay) bottom(pane);
  }
}

async function changed(news) {
  if (news.channel !== channel) {
    const badge = document.querySelector(`.channel[data-channel="${news.channel}"] .unread`);
    if (badge && news.type === "posted") {
      badge.hidden = false;
      badge.textContent = String(Number(badge.textContent || 0) + 1);
    }
    return;
  }
  const thread = news.thread_ts && news.thread_ts !== news.ts ? news.thread_ts : null;
  const open = side.firstElementChild?.dataset.thread;
  const replies = document.getElementById("replies");
  await swap(list, "m", news.ts, !thread);
  if (thread) await swap(list, "m", thread, false);
  if (open && (open === thread || open === news.ts)) {
    await swap(replies, "t", news.ts, open === thread);
    const count = replies.querySelectorAll(".message").length - 1;
    replies.querySelector(".count span").textContent = `${count} ${count === 1 ? "reply" : "replies"}`;
  }
}

async function moreJournal() {
  const last = journal.lastElementChild?.dataset.n ?? "0";
  const html = await fragment(`/page/journal?after=${last}`);
  const holder = document.createElement("template");
  holder.innerHTML = html ?? "";
  const stay = journal.lastElementChild && !atBottom(journal);
  journal.append(...holder.content.children);
  if (!stay) bottom(journal);
}

let work = Promise.resolve(); // one update at a time, so that nothing is drawn twice
let journalAsked = false;
function heard(news) {
  if (news.type === "journal") {
    if (inspector.hidden || journalAsked) return;
    journalAsked = true;
    setTimeout(() => {
      journalAsked = false;
      work = work.then(moreJournal);
    }, 150);
  } else if (news.type === "view") {
    if (news.user === user) work = work.then(showModal);
  } else if (news.type !== "ephemeral" || news.user === user) {
    work = work.then(() => changed(news)).catch((problem) => console.error(problem));
  }
}

let missed = false;
const events = new EventSource("/local/events");
events.onerror = () => (missed = true);
events.onopen = async () => {
  if (!missed) return;
  missed = false;
  location.reload();
};
events.onmessage = (event) => heard(JSON.parse(event.data));

bottom(list);
bottom(document.getElementById("replies"));
if (modal.querySelector(".view")) modal.showModal();
if (location.hash.startsWith("#m-")) document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: "center" });
document.body.dataset.live = "1";
