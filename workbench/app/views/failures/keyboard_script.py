"""The browser's half of keyboard.py: what a key does at once, and what is reported to Python later.

Texts of rows enter the page by `textContent` alone, so none can become markup.
"""

STYLE = """
:host { scroll-margin-top: 4rem; }
.board { font-family: var(--st-font); color: var(--st-text-color); font-size: 0.875rem;
  border: 1px solid var(--st-border-color); border-radius: 0.5rem; padding: 0.5rem 0.75rem; }
.board > div { white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  min-height: 1.4em; line-height: 1.4; }
.position { font-weight: 600; }
.keys { opacity: 0.7; font-size: 0.75rem; }
input { font: inherit; color: inherit; background: var(--st-secondary-background-color);
  border: 1px solid var(--st-primary-color); border-radius: 0.25rem; padding: 0 0.4rem;
  width: 16rem; max-width: 100%; }
"""

# A press moves `at`, a number among all rows, whether or not the row is in the buffer: no press is
# lost, and a row that is not here yet is requested by its number. Every press and tag takes the
# next number `sent`, and Python answers with the last that it has received. Until that is the
# newest, what Python shows is old, and the browser's own position counts. A tag is sent again until
# it is received.
SCRIPT = """
const QUIET = 150, LONGEST_WAIT = 600  // ms without a press, and with presses, before a report
const TYPING = "input, textarea, select, [contenteditable]"
const boards = new WeakMap()

export default function ({ parentElement, data, setStateValue }) {
  let board = boards.get(parentElement)
  if (!board) boards.set(parentElement, (board = begin(parentElement)))
  board.receive(data, setStateValue)
  document.addEventListener("keydown", board.press)
  document.addEventListener("pointerdown", board.reportNow)
  return () => {
    document.removeEventListener("keydown", board.press)
    document.removeEventListener("pointerdown", board.reportNow)
  }
}

function begin(root) {
  const make = (name, parent) => {
    const element = document.createElement(name === "tag" ? "input" : "div")
    element.className = name
    parent?.append(element)
    return element
  }
  const card = make("board")
  const [position, question, answer, keys] = ["position", "question", "answer", "keys"].map(
    (name) => make(name, card))
  const box = make("tag")
  Object.assign(box, { maxLength: 100, placeholder: "tag, then Enter" })
  box.setAttribute("aria-label", "Tag of the row shown")
  card.setAttribute("role", "group")
  card.setAttribute("aria-label", "Row by row")
  position.setAttribute("aria-live", "polite")
  let data, setStateValue, at, waits, since, last, reading = false
  let sent = 0, tags = [], boxFor = null  // the id of the row that the open box is for

  const row = () => (at === data.at ? data.here : data.rows[at - data.first])

  function draw() {
    const shown = row()
    const number = Math.floor(at).toLocaleString("en")
    const where = `${number} of ${data.of.toLocaleString("en")}`
    position.textContent = [where, ...(shown ? [shown.verdict, shown.origin] : ["…"])].join(" · ")
    question.textContent = shown?.question ?? ""
    const stored = shown && shown === data.here ? data.tags : []
    const own = tags.filter(([, id]) => id === shown?.id).map(([, , tag]) => tag)
    const tagged = [...new Set([...stored, ...own])].map((tag) => `tagged ${tag}`)
    answer.textContent = [shown?.answer ?? "", ...tagged].join(" · ")
    if (!card.isConnected) root.append(card)
    if (boxFor !== null) return  // the box is open, and somebody may be typing in it
    keys.textContent = data.refused || "← → or j k: previous, next · " +
      (data.write ? "t: tag · " : "") + "Enter or o: to the texts and back"
  }

  function receive(received, set) {
    data = received
    setStateValue = set
    sent = Math.max(sent, data.received)
    tags = tags.filter(([number]) => number > data.received)
    if (at === undefined || data.received === sent) at = data.at
    last ??= data.last
    if (boxFor !== null && row()?.id !== boxFor) closeBox()
    draw()
  }

  function later() {
    const now = performance.now()
    since ??= now
    clearTimeout(waits)
    waits = setTimeout(reportNow, Math.min(QUIET, Math.max(0, since + LONGEST_WAIT - now)))
  }

  function reportNow() {
    if (since === undefined) return
    clearTimeout(waits)
    since = undefined
    setStateValue("report", { sent, at: Math.floor(at), id: row()?.id ?? null, tags })
  }

  function move(by) {
    const to = by > 0 ? Math.floor(at) + 1 : Math.ceil(at) - 1
    if (to < 1 || to > data.of) return
    at = to
    sent += 1
    draw()
    later()
  }

  function openBox() {
    if (!data.write || !row()) return
    boxFor = row().id
    box.value = last ?? ""
    keys.textContent = ""
    keys.append(box)
    box.focus()
    box.select()
  }

  function closeBox() {
    boxFor = null
    box.remove()
    draw()
  }

  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return
    const tag = box.value.trim()
    if (event.key === "Enter" && tag) {
      sent += 1
      tags = [...tags, [sent, boxFor, tag]]
      last = tag
      later()
      reportNow()
    }
    if (event.key === "Enter" || event.key === "Escape") closeBox()
    event.stopPropagation()
  })

  function read() {
    reading = !reading
    reportNow()
    if (reading) (root.host ?? root).scrollIntoView({ block: "start" })
    else document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0)
  }

  function press(event) {
    const target = event.composedPath()[0]
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (target.matches?.(TYPING) || target.isContentEditable) return
    const own = target.closest?.("button, a, summary, [role=option], [data-testid=stDataFrame]")
    const does = { ArrowRight: () => move(1), j: () => move(1), ArrowLeft: () => move(-1),
      k: () => move(-1), t: openBox, o: read, Enter: own ? null : read }[event.key]
    if (!does) return
    event.preventDefault()
    does()
  }

  return { receive, press, reportNow }
}
"""
